"""The model clients that are watched, one row each, and how their adaptors come and go.

Nothing is imported before its client is: a post-import hook loads the adaptor when the host imports the client, or at
once where it already has. Clients made before that are seen as well, because classes are patched, not objects.
"""

import importlib
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from worthwhile import _guard
from worthwhile.clients._imports import when_imported

if TYPE_CHECKING:
    from worthwhile.clients._base import Patch


class Client(NamedTuple):
    """One row of the table.

    Attributes:
        module: Name that the client is imported by.
        distribution: Name that it is installed by.
        majors: First numbers of the versions that the adaptor knows.
        adaptor: Module with `patches(module, installation)`.
        covers: Modules of other rows whose calls this client makes and this adaptor already counts.
    """

    module: str
    distribution: str
    majors: tuple[int, ...]
    adaptor: str
    covers: tuple[str, ...] = ()


CLIENTS: Final = (
    Client("openai", "openai", (2, 3), "worthwhile.clients.openai"),
    Client("anthropic", "anthropic", (2,), "worthwhile.clients.anthropic"),
)

TRANSPORTS: Final = (
    Client("httpx", "httpx", (0, 1), "worthwhile._attempts"),
    Client("httpx2", "httpx2", (2,), "worthwhile._attempts"),
)
"""The HTTP libraries that the clients send their tries through; `_attempts.py` counts those."""


class _Installation:
    """The time between one `install()` and the next `uninstall()`; its wrappers do nothing after it."""

    def __init__(self) -> None:
        self.is_on = True
        """Whether the wrappers of this installation are to do anything."""
        self.patched: list[tuple[Any, str, Any, Any]] = []
        """(owner, attribute, original, our wrapper) of everything that is patched."""


_lock = threading.RLock()
_installation: _Installation | None = None
_is_watching = False


def install() -> None:
    """Patch every known client that is imported, and those that are imported later. Again: does nothing."""
    global _installation, _is_watching  # noqa: PLW0603 - patches belong to the process
    with _lock:
        if _installation is not None:
            return
        _installation = _Installation()
        is_first, _is_watching = not _is_watching, True
        for client in CLIENTS + TRANSPORTS:
            if is_first:
                when_imported(client.module, _hook(client))
            elif client.module in sys.modules:
                _patch(client, sys.modules[client.module], _installation)


def uninstall() -> None:
    """Take every patch out again. Where someone has wrapped a method over us, ours stays and passes calls through."""
    global _installation
    with _lock:
        ended, _installation = _installation, None
        if ended is not None:
            ended.is_on = False
            for owner, attribute, original, wrapper in ended.patched:
                if owner.__dict__.get(attribute) is wrapper:
                    setattr(owner, attribute, original)


def _hook(client: Client) -> Callable[[Any], None]:
    def patch(module: Any) -> None:
        with _lock:
            if _installation is not None:
                _patch(client, module, _installation)

    return patch


def _patch(client: Client, module: Any, installation: _Installation) -> None:
    with _guard.Guard(f"calls of `{client.module}`, whose adaptor could not be installed"):
        version = str(getattr(module, "__version__", ""))
        if not _is_known(version, client):
            known = " and ".join(f"{major}.x" for major in client.majors)
            _guard.warn_once(f"calls of {client.distribution} {version} are not recorded: the adaptor knows {known}")
            return
        adaptor = importlib.import_module(client.adaptor)
        for patch in adaptor.patches(module, installation):
            _wrap(patch, installation)


def _is_known(version: str, client: Client) -> bool:
    major = version.partition(".")[0]
    return major.isdigit() and int(major) in client.majors


def _wrap(patch: "Patch", installation: _Installation) -> None:
    owner, attribute, original = _resolved(patch.module, patch.name)
    wrapper = patch.make(original)
    setattr(owner, attribute, wrapper)
    installation.patched.append((owner, attribute, original, wrapper))


def _resolved(module: str, path: str) -> tuple[Any, str, Any]:
    """What holds the attribute at `path`, its name, and the attribute as it lies there, bound to nothing."""
    owner: Any = importlib.import_module(module)
    *holders, attribute = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    for kind in owner.__mro__ if isinstance(owner, type) else (owner,):
        if attribute in vars(kind):
            return owner, attribute, vars(kind)[attribute]
    raise AttributeError(f"`{module}` has no `{path}`")
