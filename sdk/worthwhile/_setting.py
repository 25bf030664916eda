"""What a setting is, and the kinds of values that settings have; each kind parses a variable's text or an argument.

The settings of content are here too, as those of the wire are in `_wire.py`.
"""

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Setting(NamedTuple):
    """One row of the table.

    Attributes:
        name: Argument of `configure` and attribute of `Settings`.
        sources: Environment variables by falling precedence, each with the parser of its text.
        check: Parser of the argument's value; raises `ValueError` where it is not valid.
        default: Value without any source.
        meaning: One sentence for the documentation and `worthwhile doctor`.
        is_secret: Whether the value must not be shown.
    """

    name: str
    sources: tuple[tuple[str, Callable[[str], object]], ...]
    check: Callable[[Any], object]
    default: object
    meaning: str
    is_secret: bool = False


def flag(value: object) -> bool:
    """True or false, in one of the usual spellings."""
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return known[str(value).lower()]
    except KeyError:
        raise ValueError("`true` or `false`") from None


def unless(text: str) -> bool:
    """The opposite of a flag."""
    return not flag(text)


def url(value: object) -> str:
    """URL of a receiver."""
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return value
    raise ValueError("an http:// or https:// URL")


def name(value: object) -> str:
    """Text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValueError("a name")


def pairs(text: str) -> Mapping[str, str]:
    """`a=b,c=d`."""
    found = [item.split("=", 1) for item in text.split(",") if item.strip()]
    if not all(len(pair) == 2 and pair[0].strip() and pair[1].strip() for pair in found):
        raise ValueError("`name=value` pairs, separated by commas")
    return {key.strip(): value.strip() for key, value in found}


def mapping(value: object) -> Mapping[str, str]:
    """A mapping from text to text."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        if all(isinstance(key, str) and isinstance(item, str) for key, item in items):
            return MappingProxyType(dict(cast("Mapping[str, str]", value)))
    raise ValueError("a mapping from text to text")


def one_of(*choices: str) -> Callable[[object], str]:
    """One of `choices`, in any case."""
    *firsts, last = [f"`{choice}`" for choice in choices]

    def check(value: object) -> str:
        if isinstance(value, str) and value.lower() in choices:
            return value.lower()
        raise ValueError(f"{', '.join(firsts)} or {last}")

    return check


def seconds(value: object) -> float:
    """A duration; zero is one."""
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError):
        number = -1.0
    if 0 <= number < float("inf"):
        return number
    raise ValueError("seconds, 0 or more")


def folder(value: object) -> str:
    """An absolute path, or `off`."""
    text = value if isinstance(value, str) else ""
    if text.lower() in ("off", "false", "no", "0"):
        return "off"
    path = os.path.expanduser(text)  # noqa: PTH111 - a path object would raise where there is no home
    if path.startswith("/"):
        return path
    raise ValueError("an absolute path, or `off`")


def count(value: object) -> int:
    """A whole number above zero."""
    try:
        number = int(cast("Any", value))
    except (TypeError, ValueError):
        number = 0
    if number > 0:
        return number
    raise ValueError("a whole number above 0")


def ratio(value: object) -> float:
    """A part of the whole."""
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError):
        number = -1.0
    if 0 <= number <= 1:
        return number
    raise ValueError("a number from 0 to 1")


def content_mode(text: str) -> bool:
    """Whether content is asked for, in the words of the semantic conventions; wherever they want it, we have one place.

    `true` and `false` are understood as well, as older instrumentations have them.
    """
    known = {"no_content": False, "span_only": True, "event_only": True, "span_and_event": True}
    if text.lower() in known:
        return known[text.lower()]
    try:
        return flag(text)
    except ValueError:
        raise ValueError("`NO_CONTENT`, `SPAN_ONLY`, `EVENT_ONLY`, `SPAN_AND_EVENT`, `true` or `false`") from None


CONTENT: Final = (
    Setting(
        "capture_content",
        (("WORTHWHILE_CAPTURE_CONTENT", flag), ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", content_mode)),
        flag,
        default=False,
        meaning="Whether prompts and completions are recorded, each call's in a log record of its own",
    ),
    Setting(
        "content_max_chars",
        (("WORTHWHILE_CONTENT_MAX_CHARS", count),),
        count,
        default=65536,
        meaning="Characters of content that are kept of one call, what was sent and what was answered together",
    ),
    Setting(
        "content_sample_ratio",
        (("WORTHWHILE_CONTENT_SAMPLE_RATIO", ratio),),
        ratio,
        default=1.0,
        meaning="Part of all traces whose content is recorded; tokens and costs are of all calls whatever it is",
    ),
)
"""Whether the content of calls is recorded, and how much of it."""
