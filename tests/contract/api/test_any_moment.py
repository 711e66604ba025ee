"""What the past looks like at any point is what a fold of the log up to there gives."""

import asyncio
import json
from random import Random
from typing import Any

import msgspec
from tests.contract.api.service import Caller, Service
from tests.system.guarantees.folding import Accepted, Log, read_log
from tests.thoroughness import rounds

from patchbay.assistants.evolve import evolve_account
from patchbay.assistants.states import Account, Assistant
from patchbay.callrouting import RoutingTable, read_fact
from patchbay.callrouting.entries import UNKNOWN

POINTS = rounds(200, 1_000)
CHANGES = (90, 25, 25, 25)  # of each assistant of an account: of one, more than lie between two of its milestones
NUMBERS = 4
AT_ONCE = 16

encode = msgspec.json.Encoder().encode


class Past:
    """The accepted events of the log in the order of their times, folded up to a moment that only grows."""

    def __init__(self, accepted: list[Accepted]) -> None:
        self.events = sorted(
            accepted, key=lambda each: (each.envelope.time, each.envelope.stream, each.envelope.height)
        )
        self.accounts: dict[str, Account] = {}
        self.table = RoutingTable()
        self._next = 0

    def go_to(self, time: str) -> None:
        """Fold what happened up to and with this time."""
        while self._next < len(self.events) and self.events[self._next].envelope.time <= time:
            envelope, event = self.events[self._next].envelope, self.events[self._next].event
            self._next += 1
            if envelope.stream.startswith("acct_"):
                before = self.accounts.get(envelope.stream) or Account(id=envelope.stream)
                account = evolve_account(before, event, height=envelope.height, time=envelope.time)
                self.accounts[envelope.stream] = account
            if (fact := read_fact(envelope)) is not None:
                self.table.apply(fact)

    def assistant(self, assistant_id: str) -> Assistant | None:
        """Return the assistant as it is by now."""
        found = (account.assistants.get(assistant_id) for account in self.accounts.values())
        return next((assistant for assistant in found if assistant is not None), None)

    def answer_of(self, phone_number: str, asked_by: str | None) -> dict[str, Any]:
        """Return what the look-up answers by now."""
        found = self.table.look_up(phone_number)
        if asked_by not in (None, found.account_id):
            found = UNKNOWN
        assistant = self.assistant(found.assistant_id) if found.outcome == "routed" and found.assistant_id else None
        return {
            "success": True,
            "phone_number": phone_number,
            "outcome": str(found.outcome),
            "fallback": found.fallback,
            "account_id": found.account_id,
            "assistant_id": found.assistant_id,
            "assistant": None if assistant is None else json.loads(encode(assistant)),
        }


async def live(caller: Caller, operator: Caller, random: Random) -> tuple[list[str], list[str]]:
    """Let much happen to a few assistants and numbers, at once; return their ids, and the phone numbers."""
    assistants = [(await caller.create(inbound_enabled=random.random() < 0.7))["id"] for _ in CHANGES]
    numbers = [await caller.register() for _ in range(NUMBERS)]

    async def change(assistant_id: str, changes: int) -> None:
        for step in range(changes):
            body: dict[str, Any] = {"accountSlug": caller.slug}
            number = random.choice(numbers)
            match random.randrange(12):
                case 0 | 1:
                    chosen = random.sample(numbers, random.randrange(3))
                    await caller.assign(assistant_id, *(each["id"] for each in chosen), reassign=True)
                case 2:
                    await caller.patch(assistant_id, inbound_enabled=random.random() < 0.7)
                case 3:
                    body["fallback"] = random.choice((None, "+4930111111", "+4930222222"))
                    await caller.send("PATCH", f"/api/phone-numbers/{number['id']}", body)
                case 4:
                    body["status"] = random.choice(("active", "suspended"))
                    await operator.send("PATCH", f"/api/phone-numbers/{number['id']}", body)
                case 5 if step % 10 == 0:
                    await caller.send("DELETE", f"/api/phone-numbers/{number['id']}")
                    await caller.register(number["phone_number"])
                case 6 if step > 10:
                    body["version"] = random.randrange(1, 6)
                    await caller.send("POST", f"/api/assistants/{assistant_id}/restore", body)
                case _:
                    await caller.patch(assistant_id, name=f"step {step}", temperature=random.randrange(20) / 10)

    await asyncio.gather(*map(change, assistants, CHANGES))
    assert (await caller.send("DELETE", f"/api/assistants/{assistants[-1]}?accountSlug={caller.slug}")).status == 200
    return assistants, [number["phone_number"] for number in numbers]


def shown(record: Assistant | None) -> tuple[int, bytes | None]:
    """Return status and body of an answer that shows the assistant."""
    return (404, None) if record is None else (200, b'{"success":true,"assistant":' + encode(record) + b"}")


async def test_any_point_of_the_past_is_a_fold_of_the_log_up_to_there(service: Service) -> None:
    """Some hundred points, or a thousand: times of events and others between them, versions, and who answered calls."""
    seed = 20_261_123
    random = Random(seed)
    lives = await asyncio.gather(*(live(caller, service.operator, random) for caller in (service.own, service.other)))
    log = await read_log(service.kafka, service.topic)
    past = Past(log.accepted)
    questions: list[Question] = []
    for time in random_times(random, past, {assistant_id for assistants, _ in lives for assistant_id in assistants}):
        past.go_to(time)
        whose = random.randrange(2)
        (assistants, numbers), owner = lives[whose], (service.own, service.other)[whose]
        caller = random.choice((owner, service.operator))
        assistant_id, number = random.choice(assistants), random.choice(numbers)
        path = f"/api/assistants/{assistant_id}"
        match random.randrange(3):
            case 0:
                asked_by = None if caller is service.operator else account_of(past, caller)
                answer = past.answer_of(number, asked_by)
                questions.append((caller, f"/api/routing/inbound/{number}?at={time}", 200, answer))
            case 1:
                questions.append((caller, f"{path}?at={time}", *shown(past.assistant(assistant_id))))
            case _:
                version, record = random.choice(versions_of(log, assistant_id))
                path += random.choice((f"/versions/{version}", f"?at={version}"))
                questions.append((caller, path, 200, b'{"success":true,"assistant":' + record + b"}"))

    assert len(questions) == POINTS
    limit = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for question in questions:
            group.create_task(check(*question, limit))


Question = tuple[Caller, str, int, bytes | dict[str, Any] | None]  # who asks, what, and the answer


async def check(caller: Caller, path: str, status: int, expected: object, limit: asyncio.Semaphore) -> None:
    """Ask, and compare."""
    async with limit:
        reply = await caller.send("GET", path)
    assert reply.status == status, f"{path}: {reply.body!r}"
    if expected is not None:
        assert (reply.body if isinstance(expected, bytes) else reply.json) == expected, path


def random_times(random: Random, past: Past, assistants: set[str]) -> list[str]:
    """Return times from the first of these assistants on, in order: of events, and any between."""
    begin = next(n for n, each in enumerate(past.events) if each.envelope.subject in assistants)
    own = [each.envelope.time for each in past.events[begin:]]
    return sorted(random.choice(own) if random.random() < 0.5 else between(random, own) for _ in range(POINTS))


def between(random: Random, times: list[str]) -> str:
    """Return a time between two that follow one another, if they are of the same second; else the first of them."""
    at = random.randrange(len(times) - 1)
    first, second = times[at], times[at + 1]
    if first[:19] != second[:19]:
        return first
    return f"{first[:19]}.{random.randint(int(first[20:26]), int(second[20:26])):06d}Z"


def account_of(past: Past, caller: Caller) -> str:
    return next(account.id for account in past.accounts.values() if account.slug == caller.slug)


def versions_of(log: Log, assistant_id: str) -> list[tuple[int, bytes]]:
    """Return versions with their records; without the newest, by which it may have been deleted."""
    found = [(version, record) for (each, version), record in log.records_of_versions.items() if each == assistant_id]
    return found[:-1]
