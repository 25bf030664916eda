"""Tells when the host imports a module: at once if it has, else right after the module has run."""

import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

_waiting: Final[dict[str, Callable[[ModuleType], object]]] = {}
_looking: Final[set[tuple[str, int]]] = set()


def when_imported(name: str, tell: Callable[[ModuleType], object]) -> None:
    """Call `tell` once with the module `name`; it must not raise."""
    module = sys.modules.get(name)
    if module is not None:
        tell(module)
        return
    _waiting[name] = tell
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Finder(MetaPathFinder):
    """Finds what the other finders find, and puts a loader around it that tells."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        search = (fullname, threading.get_ident())
        if fullname not in _waiting or search in _looking:
            return None
        _looking.add(search)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            _looking.discard(search)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Telling(spec.loader)
        return spec


class _Telling(Loader):
    """A loader that is another one, whose module then is as that one would have made it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        tell = _waiting.pop(module.__name__, None)
        if tell is not None:
            tell(sys.modules.get(module.__name__, module))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_FINDER: Final = _Finder()
