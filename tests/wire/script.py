"""What the server is to do besides answering, such as `429x2,dated`: in the path, a header or behind a model's `@`."""

import re
from dataclasses import dataclass

HEADER = "x-wire-script"

_FAIL = re.compile(r"(?P<status>[45]\d\d)(?:x(?P<times>\d+))?")
_TRAIL = re.compile(r"trail(?P<chunks>\d+)")
_AFTER = re.compile(r"(?P<what>drop|error|hold)(?P<events>\d+)")
_FLAGS = {
    "reset",
    "hang",
    "dated",
    "cost",
    "silent",
    "nostream",
    "truncate",
    "fail",
    "azure",
    "eager",
    "early",
    "plain",
}


@dataclass(frozen=True)
class Script:
    """How to treat one request.

    Attributes:
        status: Answer with this HTTP error instead.
        times: ... to this many tries of a call, then answer; None means to every try.
        after: Stop a stream after this many events.
        what: How it stops: `drop` the connection, send an `error` event, or `hold` until the client leaves.
        trail: Chunks that follow the end of each choice of a streamed chat and tell nothing.
        flags: `reset` the connection, `hang` without an answer, `dated` model name, report a `cost`, stay `silent`
            about usage, refuse `stream_options` (`nostream`), end `truncate`d at the token limit, `fail` a response,
            begin a stream as `azure` does, report usage in every chunk (`eager`) or in the first only (`early`), leave
            out detail counts (`plain`).
    """

    status: int | None = None
    times: int | None = None
    after: int | None = None
    what: str = ""
    trail: int = 0
    flags: frozenset[str] = frozenset()

    def fails(self, attempt: int) -> bool:
        """Whether try number `attempt`, from 0, gets the HTTP error."""
        return self.status is not None and (self.times is None or attempt < self.times)


def parse(text: str) -> Script:
    """Read `text`, comma-separated words; raise ValueError for one that is unknown."""
    status = times = after = None
    what = ""
    trail = 0
    flags = set()
    for word in filter(None, text.split(",")):
        if fail := _FAIL.fullmatch(word):
            status = int(fail["status"])
            times = int(fail["times"]) if fail["times"] else None
        elif stop := _AFTER.fullmatch(word):
            what, after = stop["what"], int(stop["events"])
        elif long := _TRAIL.fullmatch(word):
            trail = int(long["chunks"])
        elif word in _FLAGS:
            flags.add(word)
        else:
            raise ValueError(f"reading a wire script: `{word}` is not one of its words")
    return Script(status, times, after, what, trail, frozenset(flags))


def split(path: str, model: str, header: str) -> tuple[str, str, Script]:
    """(path without script, model without script, script) of a request; the three places add up."""
    words = [header]
    if found := re.match(r"/s/([^/]+)(/.*)", path):
        words.append(found[1])
        path = found[2]
    model, _, behind = model.partition("@")
    words.append(behind)
    return path, model, parse(",".join(filter(None, words)))
