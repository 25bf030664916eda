"""Everything that a worthwhile command or the collector raises on purpose.

    WorthwhileError                  what was done, found and expected; a hint; a code; an exit status
    ├── UsageError                   the command line asks for something that cannot be done as written
    ├── SettingsError                one or more settings are wrong; lists all of them with their origin
    ├── MissingExtra                 an optional dependency is not installed
    ├── BindError                    the address is busy, unknown, or may not be bound without a token
    ├── DataFolderError              the data folder cannot be used
    │   └── DataFolderBusyError      another process has it open
    ├── CollectorUnreachableError    a running collector does not answer
    ├── RequestRejectedError         the receiver refuses a request (each becomes one OTLP `Status`)
    ├── SpoolError                   bytes cannot be kept
    │   └── SpoolFullError           no room left: quota reached or disk full; worth a retry later
    └── StoreError                   the database refuses (the concrete errors live in `store/`)

A caller may catch `WorthwhileError` and read `.code`, a stable lower-case word, instead of the text.
"""

from typing import ClassVar


class WorthwhileError(Exception):
    """A problem with a cause that a person can act upon.

    Attributes:
        message: What was being done, the offending value in backticks, what was expected.
        hint: The next action, or None when there is none.
        code: Stable word for programs.
        exit_status: What a command exits with: 2 for wrong input or environment, 1 for a failure while working.
    """

    default_code: ClassVar[str] = "error"
    default_exit_status: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.exit_status = self.default_exit_status

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n\nhint: {self.hint}"


class UsageError(WorthwhileError):
    """The command line is well formed and still cannot be carried out."""

    default_code = "usage"


class SettingsError(WorthwhileError):
    """One or more settings are wrong."""

    default_code = "settings"


class MissingExtra(WorthwhileError):  # noqa: N818 - the documented name
    """An optional dependency of a feature is not installed."""

    default_code = "missing_extra"

    def __init__(self, feature: str, *, extra: str, module: str) -> None:
        super().__init__(
            f"{feature} needs the module `{module}`, which is not installed",
            hint=f"pip install 'worthwhile[{extra}]'",
        )
        self.extra = extra
        self.module = module


class BindError(WorthwhileError):
    """The receiver cannot listen on the address."""

    default_code = "bind"


class DataFolderError(WorthwhileError):
    """The data folder cannot be used."""

    default_code = "data_folder"


class DataFolderBusyError(DataFolderError):
    """Another process has the data folder open."""

    default_code = "data_folder_busy"


class CollectorUnreachableError(WorthwhileError):
    """A running collector does not answer as expected."""

    default_code = "collector_unreachable"
    default_exit_status = 1


class RequestRejectedError(WorthwhileError):
    """The receiver refuses one request; `status` is the HTTP status of the answer."""

    default_code = "rejected"

    def __init__(self, status: int, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.status = status


class SpoolError(WorthwhileError):
    """The spool cannot keep or give back bytes."""

    default_code = "spool"
    default_exit_status = 1


class SpoolFullError(SpoolError):
    """The spool has no room: its quota is reached or the disk is full. The sender may try again later."""

    default_code = "spool_full"


class StoreError(WorthwhileError):
    """The database refuses or cannot be reached. Base class of the errors of `worthwhile_collectors.store`."""

    default_code = "store"
    default_exit_status = 1
