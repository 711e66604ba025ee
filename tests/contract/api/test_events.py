"""The account's events over HTTP: what is told, to whom, and that nothing is missed or told twice."""

import asyncio
import contextlib
from random import Random

from tests.contract.api.following import Following, Told, follow
from tests.contract.api.service import Caller, Service, fresh_account, fresh_number, is_ready, run_process
from tests.servers import eventually

from patchbay.embedded.ports import free_port
from patchbay.postgres import open_connection


def names(events: list[Told]) -> list[str]:
    return [event.type for event in events]


async def test_what_happens_is_told_as_it_happens(service: Service) -> None:
    """In CloudEvents' structured form, with the event's type as the name of the event."""
    async with fresh_account(service) as caller, follow(caller) as following:
        assistant = await caller.create(name="Zoë\n")
        (told,) = await following.take(1)

    assert following.headers["Content-Type"] == "text/event-stream"
    assert following.headers["Cache-Control"] == "no-store"
    assert following.retry == "1000"
    assert told.type == told.data["type"] == "AssistantCreated"
    assert told.data["specversion"] == "1.0"
    assert told.data["subject"] == told.data["data"]["assistant_id"] == assistant["id"]
    assert (told.data["time"], told.data["data"]["name"]) == (assistant["created_at"], "Zoë")
    assert told.data["partitionkey"] == assistant["account_id"]
    assert told.data["sequence"] == f"{3:020d}"  # the account was opened, and its key issued
    assert told.data["dataschema"] == "urn:patchbay:AssistantCreated:1"


async def test_from_the_beginning_all_is_told_but_no_secret(service: Service) -> None:
    async with fresh_account(service) as caller:
        await caller.issue(name="another")
        async with follow(caller, "?from=beginning") as following:
            events = await following.take(3)

    assert names(events) == ["AccountOpened", "KeyIssued", "KeyIssued"]
    assert events[2].data["data"]["name"] == "another"
    assert all("secret" not in name for event in events for name in event.data["data"])


async def test_a_stream_starts_at_now(service: Service) -> None:
    """What has been answered before is not told."""
    async with fresh_account(service) as caller:
        await caller.create(name="before")
        async with follow(caller) as following:
            await caller.create(name="after")
            (told,) = await following.take(1)

    assert told.data["data"]["name"] == "after"


async def test_a_stream_that_saw_nothing_yet_can_be_resumed(service: Service) -> None:
    async with fresh_account(service) as caller:
        async with follow(caller) as following:
            place = following.last_id
        assistant = await caller.create()
        async with follow(caller, last_id=place) as following:
            (by_header,) = await following.take(1)
        async with follow(caller, f"?lastEventId={place}") as following:
            (by_parameter,) = await following.take(1)

    assert by_header.data["subject"] == by_parameter.data["subject"] == assistant["id"]
    assert by_header.id == by_parameter.id


async def test_the_header_counts_more_than_the_url(service: Service) -> None:
    """A client that connects again sends the same URL, and the id of the last event beside it."""
    async with fresh_account(service) as caller:
        async with follow(caller, "?from=beginning") as following:
            await following.take(2)
            place = following.last_id
        await caller.create()
        async with follow(caller, "?from=beginning", last_id=place) as following:
            (told,) = await following.take(1)

    assert told.type == "AssistantCreated"


async def test_only_the_types_asked_for_are_told(service: Service) -> None:
    """And the place moves on past the others."""
    async with fresh_account(service) as caller:
        assistant = await caller.create()
        number = await caller.register()
        async with follow(caller, "?type=AssistantUpdated,NumbersAssigned&from=beginning") as following:
            await caller.patch(assistant["id"], name="B")
            await caller.create()
            await caller.assign(assistant["id"], number["id"])
            events = await following.take(2)

    assert names(events) == ["AssistantUpdated", "NumbersAssigned"]
    assert events[1].data["data"]["numbers"] == [{"number_id": number["id"], "registration": 1}]


async def test_nothing_of_another_account_is_told(service: Service) -> None:
    async with fresh_account(service) as one, fresh_account(service) as other, follow(one) as following:
        await other.create()
        await other.register()
        mine = await one.create()
        events = await following.take(1)

    assert [event.data["subject"] for event in events] == [mine["id"]]


async def test_a_number_s_events_are_told_to_who_has_it_by_then(service: Service) -> None:
    """From registration to release, live and afterwards alike; the next owner sees nothing of the one before."""
    async with fresh_account(service) as one, fresh_account(service) as other:
        async with follow(one) as ones, follow(other) as others:
            number = await one.register(fresh_number())
            await _set_fallback(one, number["id"], "+493010000001")
            await one.send("DELETE", f"/api/phone-numbers/{number['id']}")
            await other.register(number["phone_number"])
            await _set_fallback(other, number["id"], "+493010000002")
            await one.create()
            live_one, live_other = await ones.take(4), await others.take(2)
        async with follow(one, "?from=beginning") as ones, follow(other, "?from=beginning") as others:
            late_one, late_other = await ones.take(6), await others.take(4)

    of_number = ["NumberRegistered", "NumberUpdated", "NumberReleased"]
    for events in (live_one, late_one):
        assert [event.type for event in events if event.data["subject"] == number["id"]] == of_number
    for events in (live_other, late_other):
        own = [event for event in events if event.data["subject"] == number["id"]]
        assert names(own) == of_number[:2]
        assert own[1].data["data"]["fallback"] == "+493010000002"
    assert {event.data["id"] for event in live_one} < {event.data["id"] for event in late_one}


async def _set_fallback(caller: Caller, number_id: str, fallback: str) -> None:
    body = {"accountSlug": caller.slug, "fallback": fallback}
    reply = await caller.send("PATCH", f"/api/phone-numbers/{number_id}", body)
    assert reply.status == 200, reply.body


async def test_an_operator_follows_one_account_or_all(service: Service) -> None:
    async with fresh_account(service) as one, fresh_account(service) as other:
        async with (
            follow(service.operator) as all_of_them,
            follow(service.operator, f"?accountSlug={other.slug}") as one_of_them,
        ):
            place = all_of_them.last_id
            mine, number, theirs = await one.create(), await one.register(), await other.create()
            seen, theirs_alone = await all_of_them.take(3), await one_of_them.take(1)
        async with follow(service.operator, last_id=place) as resumed:
            again = await resumed.take(3)
        async with follow(service.operator, "?from=beginning") as from_beginning:
            everything = await from_beginning.take(20)

    expected = {mine["id"], number["id"], theirs["id"]}
    assert {event.data["subject"] for event in seen} == {event.data["subject"] for event in again} == expected
    assert [event.data["subject"] for event in theirs_alone] == [theirs["id"]]
    assert not any(event.data["partitionkey"].startswith("oper_") for event in everything)


async def test_with_random_cuts_between_two_copies_nothing_is_missed_and_nothing_comes_twice(service: Service) -> None:
    """While an account is written through both copies, its clients hang up anywhere and go on at either copy."""
    port = str(free_port())
    async with run_process(service.start, "patchbay.api", dict(service.environment) | {"API_PORT": port}):
        there = service.own.at(f"http://127.0.0.1:{port}")
        await eventually(lambda: is_ready(there), 30.0)
        async with fresh_account(service) as caller:
            urls = (service.url, there.url)
            readers = [CuttingReader(caller, urls, Random(seed)) for seed in range(6)]
            reading = [asyncio.create_task(reader.read()) for reader in readers]
            await asyncio.gather(*[_write(caller.at(url), Random(seed)) for seed, url in enumerate(urls * 2)])
            expected = await accepted(service, caller)
            for reader in readers:
                reader.expects = sum(map(len, expected.values()))
            async with asyncio.timeout(60):
                await asyncio.gather(*reading)
            last = await caller.create()
            for reader in readers:
                async with follow(caller, last_id=reader.place) as following:
                    (told,) = await following.take(1)

                assert told.data["subject"] == last["id"]

    assert sum(map(len, expected.values())) > 200
    for reader in readers:
        assert _by_stream(reader.taken) == expected


class CuttingReader:
    """Reads from the beginning, and hangs up after a few events or in the middle of one, each time."""

    def __init__(self, caller: Caller, urls: tuple[str, ...], random: Random) -> None:
        self._caller = caller
        self._urls = urls
        self._random = random
        self.expects: int | None = None
        self.place: str | None = None
        self.taken: list[Told] = []

    async def read(self) -> None:
        """Read until there is as much as expected."""
        while self.expects is None or len(self.taken) < self.expects:
            caller = self._caller.at(self._random.choice(self._urls))
            async with follow(caller, "?from=beginning", last_id=self.place) as following:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._random.uniform(0, 0.4)):
                        await self._take(following, self._random.randrange(1, 25))
                self.place = following.last_id

    async def _take(self, following: Following, count: int) -> None:
        async for event in following:
            self.taken.append(event)
            count -= 1
            if not count:
                return


async def accepted(service: Service, caller: Caller) -> dict[str, list[str]]:
    """Return the heights of the account's events by stream, as the history has them; of numbers with one owner each."""
    async with open_connection(service.environment["DATABASE_URL"], name="test") as connection:
        account = await connection.fetchval("SELECT account_id FROM read_model_1.accounts WHERE slug = $1", caller.slug)
        rows = await connection.fetch(
            """SELECT e.stream, e.height FROM history.events e
                WHERE e.stream = $1 OR e.stream IN (
                      SELECT stream FROM history.events WHERE type = 'NumberRegistered' AND position($2 IN value) > 0)
                ORDER BY e.stream, e.height""",
            account,
            account.encode(),
        )
    heights: dict[str, list[str]] = {}
    for row in rows:
        heights.setdefault(row["stream"], []).append(f"{row['height']:020d}")
    return heights


async def _write(caller: Caller, random: Random) -> None:
    """Write to the account and to numbers of its own, for a while."""
    assistant = await caller.create()
    for turn in range(15):
        await asyncio.gather(
            *[caller.patch(assistant["id"], name=f"{turn} {n}") for n in range(random.randrange(1, 5))]
        )
        number = await caller.register()
        await caller.assign(assistant["id"], number["id"])
        if random.random() < 0.5:
            await caller.send("DELETE", f"/api/phone-numbers/{number['id']}")


def _by_stream(events: list[Told]) -> dict[str, list[str]]:
    streams: dict[str, list[str]] = {}
    for event in events:
        streams.setdefault(event.data["partitionkey"], []).append(event.data["sequence"])
    return streams
