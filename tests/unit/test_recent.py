"""What answers remember: bounded by weight, made once however many ask, and never a failure."""

import asyncio

import pytest

from gate.usecases.recent import Recent


class _Making:
    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> int:
        self.made += 1
        await asyncio.sleep(0)
        return self.made


async def test_who_asks_meanwhile_waits_for_the_same() -> None:
    """Two at once and one later get one value."""
    recent, make = Recent(10), _Making()
    assert await asyncio.gather(recent.get("a", 1, make), recent.get("a", 1, make)) == [1, 1]
    assert await recent.get("a", 1, make) == 1


async def test_the_least_recently_used_goes() -> None:
    """Beyond the weight; the newest stays however heavy it is."""
    recent, make = Recent(10), _Making()
    for key in ("a", "b", "a", "c"):
        await recent.get(key, 4, make)
    assert await recent.get("a", 4, make) == 1
    assert await recent.get("b", 4, make) == 4
    assert await recent.get("heavy", 99, make) == 5
    assert await recent.get("heavy", 99, make) == 5


async def test_a_failure_is_not_kept() -> None:
    """The next one tries again."""
    recent, make = Recent(10), _Making()

    async def fails() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        await recent.get("a", 1, fails)
    await asyncio.sleep(0)
    assert await recent.get("a", 1, make) == 1


async def test_who_leaves_does_not_stop_the_others() -> None:
    """A request that ends early does not cancel what another one waits for."""
    recent, make = Recent(10), _Making()
    first = asyncio.ensure_future(recent.get("a", 1, make))
    second = asyncio.ensure_future(recent.get("a", 1, make))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
