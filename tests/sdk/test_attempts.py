"""What one HTTP try costs, as far as it can be told: billed, not billed, or unknown."""

import pytest

from worthwhile._call import Attempt


@pytest.mark.parametrize(
    ("status", "error", "is_billed"),
    [
        *((200, None, True), (201, None, True), (302, None, False)),
        *((400, None, False), (401, None, False), (429, None, False), (500, None, False), (503, None, False)),
        *((529, None, False), (408, None, None), (504, None, None), (524, None, None), (499, None, None)),
        *(
            (None, "httpx.ConnectError", False),
            (None, "httpx2.ConnectTimeout", False),
            (None, "httpx.PoolTimeout", False),
        ),
        *((None, "httpx.ReadTimeout", None), (None, "httpx.WriteTimeout", None), (None, "httpx.ReadError", None)),
        *((None, "httpx.RemoteProtocolError", None), (None, "asyncio.exceptions.CancelledError", None)),
    ],
)
def test_whether_a_try_is_billed(status: int | None, error: str | None, is_billed: bool | None) -> None:
    assert Attempt(1, 0, 1, 0, status, error).is_billed is is_billed
