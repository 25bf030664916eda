"""The exceptions of the SDK and the names under which exceptions are recorded.

WorthwhileError
└── MisuseError    the host called us in a way that cannot work; raised under pytest only, a warning otherwise
"""


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
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
