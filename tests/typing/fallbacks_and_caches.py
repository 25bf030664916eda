"""What type checkers must see of fallbacks and cached functions. Checked by `test_typing.py`; never imported."""

from typing import assert_type

import worthwhile as ww


def small(text: str, *, count: int = 1) -> str:
    return text * count


def large(text: str, *, count: int = 1) -> str:
    return text * count


async def small_async(text: str) -> int:
    return len(text)


async def judge(length: int) -> bool:
    return length > 1


class Client:
    def ask(self, text: str) -> bytes:
        return text.encode()


plain = ww.fallback([small, large], on=(TimeoutError, ConnectionError), when=lambda text: text.isspace())
assert_type(plain("a", count=2), str)
plain(1)  # error: str

with_leg = ww.fallback([ww.Leg(small, tier="edge"), ww.Leg(large, model="m", name="n")])
assert_type(with_leg("a"), str)

later = ww.fallback([small_async, small_async], when=judge)

client = ww.fallback([Client(), Client()], on=ValueError)
assert_type(client.ask("a"), bytes)
assert_type(ww.fallback([ww.Leg(Client()), ww.Leg(Client(), tier="frontier")]).ask("a"), bytes)

with ww.fallback() as chain, chain.leg("rules", tier="edge") as leg:
    leg.reject("vague")

ww.fallback([small], on=KeyboardInterrupt)  # error: Exception
ww.route("moon")  # error: tier


@ww.cached
def bare(a: int, b: str = "") -> float:
    return a


@ww.cached(key="a", store=ww.MemoryCache(10), ttl_s=5)
async def configured(a: int) -> list[str]:
    return []


assert_type(bare(1, b=""), float)


async def awaiting() -> None:
    assert_type(await configured(1), list[str])
    assert_type(await later("a"), int)


bare("a")  # error: int
