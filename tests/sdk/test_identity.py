"""Ids: valid UUIDv7 that tell their time and never repeat."""

import re
import uuid

import pytest

from worthwhile import _clock, _identity


def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_clock, "time_ns", lambda: 1_767_225_600_123_456_789)
    text = _identity.new_id()
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == 1_767_225_600_123
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text)


def test_ids_differ_although_the_host_seeds_its_random_numbers() -> None:
    import random

    ids = set()
    for _ in range(1000):
        random.seed(1)
        ids.add(_identity.new_id())
    assert len(ids) == 1000


def test_ids_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(10**18, 10**18 + 100 * 10**6, 10**6))
    monkeypatch.setattr(_clock, "time_ns", lambda: next(times))
    ids = [_identity.new_id() for _ in range(100)]
    assert ids == sorted(ids)


def test_every_random_bit_varies() -> None:
    ones = zeros = 0
    for _ in range(300):
        bits = uuid.UUID(_identity.new_id()).int
        ones |= bits
        zeros |= ~bits
    mask = (0xFFF << 64) | ((1 << 62) - 1)
    assert ones & zeros & mask == mask
