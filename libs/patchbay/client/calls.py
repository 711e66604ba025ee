"""Calls: requests that are sent until their outcome is known, as often as is safe and no longer than the patience."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from patchbay.client import errors
from patchbay.client.answering import decode, failure_of, refusal_of
from patchbay.client.exchanging import ExchangeFailed, Reply, Request
from patchbay.client.records import Command
from patchbay.client.retrying import (
    Next,
    Patience,
    RateLimit,
    is_decided_by_state,
    judge,
    pause_seconds,
    rate_limit,
    retry_after,
)

REMEMBERED_POSITIONS: Final = 32
_COMMANDS: Final = "/api/commands/"
_POLLS_BEFORE_REPEATING: Final = 3  # of a write whose record may have been lost


class Exchanges(Protocol):
    """Where requests go."""

    async def exchange(self, request: Request, seconds: float) -> Reply:
        """
        Return the answer, whatever its status.

        Raises:
            ExchangeFailed: There was none.
        """


class Memory:
    """What one client has learnt from answers."""

    def __init__(self, *, reads_own_writes: bool) -> None:
        self.reads_own_writes = reads_own_writes
        self.positions: deque[str] = deque(maxlen=REMEMBERED_POSITIONS)
        self.rate_limit: RateLimit | None = None
        self.free_at = 0.0  # on the loop's clock: nothing is sent before

    def learn(self, reply: Reply, now: float) -> None:
        """Take note of the answer's position and of what the key has left."""
        position = reply.headers.get("patchbay-position")
        if position is not None and position not in self.positions:
            self.positions.append(position)
        told = rate_limit(reply.headers)
        if told is not None:
            self.rate_limit = told
            self.free_at = now + told.reset_seconds if told.remaining == 0 else 0.0

    def headers(self) -> dict[str, str]:
        """Return what a read is to wait for."""
        return {"Patchbay-After": ",".join(self.positions)} if self.reads_own_writes and self.positions else {}


class _CommandAnswer(msgspec.Struct, frozen=True):
    command: Command


class Course:
    """One call on its way."""

    def __init__(self, request: Request, idempotency_key: str | None, patience: Patience, now: float) -> None:
        self.request = request
        self.is_read = request.method == "GET"
        self.idempotency_key = idempotency_key
        self.may_be_repeated = self.is_read or idempotency_key is not None
        self.patience = patience
        self.ends_at = now + patience.seconds
        self.attempts = 0
        self.may_have_acted = False
        self.command_id: str | None = None
        self.is_in_log = False

    def unsettled(self, why: str) -> errors.PatchbayError:
        """Return the error of a call that ends without a definite answer."""
        if not self.may_have_acted:
            return errors.Unreachable(f"Nothing took effect: {why}.")
        kind = errors.Pending if self.is_in_log else errors.OutcomeUnknown
        what = "It is in the log, and not visible yet" if self.is_in_log else "It may have taken effect, or yet do so"
        how = "repeat it with the same idempotency key" if self.idempotency_key else "look before you repeat it"
        return kind(f"{what} ({why}): {how}.", idempotency_key=self.idempotency_key, command_id=self.command_id)


class Calls:
    """Sends requests, and repeats them only where that is safe."""

    def __init__(self, transport: Exchanges, memory: Memory, patience: Patience) -> None:
        self.memory = memory
        self.patience = patience
        self._transport = transport

    async def read(
        self, path: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """
        Return the answer to a GET.

        Raises:
            PatchbayError: There is none, or it is no success.
        """
        fields = {**self.memory.headers(), **(headers or {})}
        return await self.send(Request(method="GET", path=path, query=query or {}, headers=fields), None)

    async def send(self, request: Request, idempotency_key: str | None) -> Reply:
        """
        Return the answer that is the result.

        Raises:
            PatchbayError: There is none, or it is no success.
        """
        course = Course(request, idempotency_key, self.patience, _now())
        while True:
            reply, wait = await self._attempt(course)
            if reply is not None:
                return reply
            pause = pause_seconds(course.attempts, wait.seconds, self.patience, random.random())  # noqa: S311 - jitter
            if course.attempts >= self.patience.attempts or _now() + pause >= course.ends_at:
                raise wait.error if wait.error is not None else course.unsettled(wait.why)
            await asyncio.sleep(pause)

    async def _attempt(self, course: Course) -> "tuple[Reply | None, _Wait]":
        await self._wait_until_allowed(course)
        course.attempts += 1
        seconds = max(0.001, min(self.patience.exchange_seconds, course.ends_at - _now()))
        try:
            reply = await self._transport.exchange(course.request, seconds)
        except ExchangeFailed as failed:
            course.may_have_acted |= failed.was_sent and not course.is_read
            if failed.is_final or (course.may_have_acted and not course.may_be_repeated):
                raise course.unsettled(str(failed)) from failed
            return None, _Wait(str(failed))
        self.memory.learn(reply, _now())
        return await self._weigh(course, reply)

    async def _weigh(self, course: Course, reply: Reply) -> "tuple[Reply | None, _Wait]":
        failure = failure_of(reply)
        asked_for = retry_after(reply.headers, time.time())
        match judge(reply.status, failure.code if failure else None):
            case Next.TAKE:
                return reply, _Wait("")
            case Next.ASK:
                return await self._ask(course, reply)
            case Next.AGAIN:
                error = refusal_of(reply, retry_after_seconds=asked_for)
                if course.may_have_acted:  # an earlier try's outcome is not told by this one's
                    return None, _Wait(str(error), asked_for)
                return None, _Wait(str(error), asked_for, error)
            case Next.LOST:
                course.may_have_acted |= not course.is_read
                if course.may_have_acted and not course.may_be_repeated:
                    raise course.unsettled(f"status {reply.status}")
                return None, _Wait(f"status {reply.status}", asked_for, refusal_of(reply) if course.is_read else None)
            case Next.REFUSE:
                if failure is not None and any(issue.path == "Patchbay-After" for issue in failure.issues):
                    self.memory.positions.clear()  # of another log than the one that is there now
                if course.may_have_acted and not is_decided_by_state(reply.status):
                    raise course.unsettled(str(refusal_of(reply))) from refusal_of(reply)
                raise refusal_of(reply)

    async def _wait_until_allowed(self, course: Course) -> None:
        """Send nothing while it is known that the key has nothing left, if there is time to wait."""
        pause = self.memory.free_at - _now()
        if 0 < pause < course.ends_at - _now():
            await asyncio.sleep(pause)

    async def _ask(self, course: Course, reply: Reply) -> "tuple[Reply | None, _Wait]":
        """Ask for a write's verdict until there is one; without an answer, it is to be sent again."""
        course.may_have_acted = True
        course.is_in_log = reply.status == HTTPStatus.ACCEPTED
        path = urlsplit(reply.headers.get("location", "")).path
        if not path.startswith(_COMMANDS):  # whatever else it is, our key is not for it
            if not course.may_be_repeated:
                raise course.unsettled("its command has no name")
            return None, _Wait("its command has no name")
        course.command_id = path.removeprefix(_COMMANDS)
        for poll in range(1, 1_000_000):
            command = await self._command(course, path)
            if command is not None and command.status == "accepted":
                course.is_in_log = True
                if command.result is not None:
                    return Reply(HTTPStatus.OK, {}, msgspec.json.encode(command.result)), _Wait("")
            elif command is not None and command.status == "void":
                course.is_in_log = course.may_have_acted = False
                return None, _Wait("others were faster each time", error=refusal_of(_contended(reply)))
            elif not course.is_in_log and course.may_be_repeated and poll >= _POLLS_BEFORE_REPEATING:
                break
            pause = pause_seconds(poll, None, self.patience, 1.0)
            if _now() + pause >= course.ends_at:
                raise course.unsettled("the patience is at its end")
            await asyncio.sleep(pause)
        return None, _Wait("no verdict yet")

    async def _command(self, course: Course, path: str) -> Command | None:
        """Return what is known of the command now; None if the API cannot say."""
        seconds = max(0.001, min(self.patience.exchange_seconds, course.ends_at - _now()))
        try:
            reply = await self._transport.exchange(Request(method="GET", path=path), seconds)
            return decode(reply, _CommandAnswer).command if reply.status == HTTPStatus.OK else None
        except (ExchangeFailed, errors.UnexpectedAnswer):
            return None


class _Wait(msgspec.Struct, frozen=True):
    """Why a request is to be sent again, when, and what it has been refused with if it cannot be."""

    why: str
    seconds: float | None = None
    error: errors.PatchbayError | None = None


def _contended(reply: Reply) -> Reply:
    body: dict[str, Any] = {
        "success": False,
        "error": "Other writers were faster each time; nothing took effect.",
        "code": "contended",
    }
    return Reply(HTTPStatus.SERVICE_UNAVAILABLE, reply.headers, msgspec.json.encode(body))


def _now() -> float:
    return asyncio.get_running_loop().time()
