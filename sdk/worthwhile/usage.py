"""Tokens of one model call by kind, with the invariants that pricing and the store rely on."""

from typing import Literal, NamedTuple, TypeAlias

UsageBasis = Literal["reported", "derived", "estimated", "missing", "inconsistent"]


Counts: TypeAlias = tuple[
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
]
"""The fields of a `Usage` in its order, where making one would take longer than all that is done with it."""


class Usage(NamedTuple):
    """What a provider counted for one call. `None` means that the provider did not say; 0 means that it said zero.

    Attributes:
        input_tokens: All input tokens, cache reads and writes included.
        output_tokens: All output tokens, reasoning included.
        cache_read_tokens: Part of the input read from the provider's prompt cache.
        cache_write_tokens: Part of the input written to the provider's prompt cache, every lifetime.
        cache_write_1h_tokens: Part of `cache_write_tokens` kept for an hour or more, where that is billed apart.
        reasoning_tokens: Part of the output spent on reasoning.
        audio_input_tokens: Part of the input that is audio.
        audio_output_tokens: Part of the output that is audio.
        web_searches: Searches that the provider ran and bills beside the tokens.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    web_searches: int | None = None

    @property
    def basis(self) -> UsageBasis:
        """How far the numbers can be trusted: `missing` without any, `inconsistent` when a part exceeds its whole."""
        total, answered, read, written, kept_1h, reasoning = self[:6]
        if total is None and answered is None:
            return "missing"
        total, answered, written = total or 0, answered or 0, written or 0
        if (read or 0) + written > total or (kept_1h or 0) > written or (reasoning or 0) > answered:
            return "inconsistent"
        return "reported" if total >= 0 <= answered else "inconsistent"
