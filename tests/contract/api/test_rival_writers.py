"""Two writers on one assistant, again and again, at one copy of the API or at two."""

import asyncio
from random import Random

from tests.contract.api.service import Caller, Service
from tests.thoroughness import rounds

ASSISTANTS = 20  # are written to at the same time
ROUNDS_OF_EACH = rounds(8, 50)


ACROSS_COPIES = 4  # of them, in an account of their own: copies that write to one stream keep one another waiting


def rivals(service: Service, elsewhere: str, number: int) -> tuple[Caller, Caller]:
    """Return two who write to the assistant of this number."""
    if number < ACROSS_COPIES:
        return service.other, service.other.at(elsewhere)
    return service.own, service.own


async def test_changes_of_different_fields_by_two_writers_all_survive(service: Service, elsewhere: str) -> None:
    """160 rounds, or 1,000: what each of them was told is there, and so is what the other one was told."""
    random = Random(5)

    async def compete(number: int) -> None:
        one, other = rivals(service, elsewhere, number)
        assistant_id = (await one.create(max_tokens=1_000_000, temperature=2))["id"]
        for turn in range(1, ROUNDS_OF_EACH + 1):
            tokens, temperature = turn, round(random.random() + turn, 3) % 2
            replies = await asyncio.gather(
                one.patch(assistant_id, max_tokens=tokens),
                other.patch(assistant_id, temperature=temperature),
            )
            assert [reply.status for reply in replies] == [200, 200]
            now = (await one.send("GET", f"/api/assistants/{assistant_id}")).json["assistant"]
            assert (now["max_tokens"], now["temperature"], now["version"]) == (tokens, temperature, 2 * turn + 1)

    await asyncio.gather(*(compete(number) for number in range(ASSISTANTS)))


async def test_of_two_writers_with_the_same_if_match_exactly_one_wins(service: Service, elsewhere: str) -> None:
    """160 rounds, or 1,000."""

    async def compete(number: int) -> None:
        one, other = rivals(service, elsewhere, number)
        assistant_id = (await one.create())["id"]
        for version in range(1, ROUNDS_OF_EACH + 1):
            condition = {"If-Match": f'"{version}"'}
            replies = await asyncio.gather(
                one.patch(assistant_id, condition, name=f"one {version}"),
                other.patch(assistant_id, condition, name=f"other {version}"),
            )
            won, lost = sorted(replies, key=lambda reply: reply.status)
            assert (won.status, lost.status) == (200, 412)
            assert lost.json["current_version"] == won.json["assistant"]["version"] == version + 1
            assert lost.json["differing_fields"] == ["name"]

    await asyncio.gather(*(compete(number) for number in range(ASSISTANTS)))
