"""Tokens of one model call by kind, with the invariants that pricing and the store rely on."""

from dataclasses import dataclass
from typing import Literal

UsageBasis = Literal["reported", "derived", "estimated", "missing", "inconsistent"]


@dataclass(frozen=True, slots=True)
class Usage:
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
        if self.input_tokens is None and self.output_tokens is None:
            return "missing"
        cached = (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)
        parts_fit = (
            cached <= (self.input_tokens or 0)
            and (self.cache_write_1h_tokens or 0) <= (self.cache_write_tokens or 0)
            and (self.reasoning_tokens or 0) <= (self.output_tokens or 0)
        )
        return "reported" if parts_fit and min(self.input_tokens or 0, self.output_tokens or 0) >= 0 else "inconsistent"
