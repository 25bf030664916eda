"""The exceptions of the SDK and the names under which exceptions are recorded.

WorthwhileError
└── MisuseError    the host called us in a way that cannot work; raised under pytest only, a warning otherwise
"""

from typing import Any, Final, cast

from worthwhile._text import bounded

# What a class says of itself where its metaclass has no say: one of the host's may raise.
_NAME: Final = type.__dict__["__name__"]
_QUALNAME: Final = type.__dict__["__qualname__"]
_MODULE: Final = type.__dict__["__module__"]
_MRO: Final = type.__dict__["__mro__"]


class WorthwhileError(Exception):
    """Base of every exception that worthwhile defines.

    Attributes:
        message: What was being done, the offending value and what was expected.
        hint: The next action, without the word "hint".
    """

    def __init__(self, message: str, *, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\n\nhint: {hint}")


class MisuseError(WorthwhileError):
    """The host called worthwhile in a way that loses data. Never raised into a running program, only under pytest."""


def error_type(error: BaseException) -> str:
    """Name of an exception for `error.type`: module and qualified class name, without the module for built-ins."""
    kind = type(error)
    name: str = _QUALNAME.__get__(kind)
    module: object = _MODULE.__get__(kind)
    return bounded(name if type(module) is not str or module == "builtins" else f"{module}.{name}")


def class_names(error: BaseException) -> list[str]:
    """Names of the exception's class and its bases."""
    return [_NAME.__get__(kind) for kind in cast("tuple[type[Any], ...]", _MRO.__get__(type(error)))]
