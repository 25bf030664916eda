"""Requests are found again in a segment whatever happened to its end or middle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worthwhile_collectors.frames import delimited, frame, requests, scan

BODIES = st.lists(st.binary(max_size=300), max_size=8)


def segment(bodies: list[bytes]) -> bytes:
    return b"".join(part for body in bodies for part in frame(body))


def read(data: bytes) -> list[bytes]:
    return list(requests(b"".join(scan(data).payloads)))


@given(BODIES)
def test_what_was_written_is_read(bodies):
    contents = scan(segment(bodies))
    assert list(requests(b"".join(contents.payloads))) == bodies
    assert (contents.damaged, contents.torn_bytes) == ([], 0)


@given(BODIES, st.data())
def test_a_torn_tail_costs_the_unfinished_request_only(bodies, data):
    whole = segment(bodies)
    cut = data.draw(st.integers(0, len(whole)))
    contents = scan(whole[:cut])
    sizes = [len(segment(bodies[: n + 1])) for n in range(len(bodies))]
    complete = sum(size <= cut for size in sizes)
    assert read(whole[:cut]) == bodies[:complete]
    assert contents.damaged == []
    assert contents.torn_bytes == cut - (sizes[complete - 1] if complete else 0)


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=2, max_size=8), st.data())
def test_a_flipped_bit_costs_one_request_and_is_told(bodies, data):
    hit = data.draw(st.integers(0, len(bodies) - 2))
    start, end = len(segment(bodies[:hit])), len(segment(bodies[: hit + 1]))
    at = data.draw(st.integers(start, end - 1))
    damaged = bytearray(segment(bodies))
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    assert read(bytes(damaged)) == bodies[:hit] + bodies[hit + 1 :]
    assert [len(part) for part in scan(bytes(damaged)).damaged] == [end - start]


@given(st.binary(max_size=500))
def test_anything_may_lie_in_a_segment(data):
    contents = scan(data)
    kept = sum(map(len, contents.payloads)) + sum(map(len, contents.damaged)) + contents.torn_bytes
    assert kept <= len(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\x80", "unfinished length"), (b"\x05abc", "request of 5 bytes"), (b"\xff" * 9, "unfinished length")],
)
def test_lengths_that_are_wrong_are_told(data, message):
    with pytest.raises(ValueError, match=message):
        list(requests(data))


def test_a_payload_is_what_clickhouse_reads():
    assert b"".join(delimited(b"x" * 200)) == b"\xc8\x01" + b"x" * 200
