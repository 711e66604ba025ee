"""Requests and writes with a trace: in the place of those without, where traces are asked for, and else not there."""

from typing import TYPE_CHECKING

import msgspec
from aiohttp.web import BaseRequest, StreamResponse

from patchbay.api.application import Application
from patchbay.api.backend import Backend, Executes
from patchbay.api.exchange import Exchange
from patchbay.api.wire import Answer
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, Write, Written
from patchbay.api.writing.rehearsing import Rehearsal

if TYPE_CHECKING:
    from patchbay.tracing.spans import Spans


def application_of(backend: Backend, spans: "Spans | None") -> Application:
    """Return what answers requests, traced or not."""
    return Application(backend) if spans is None else TracedApplication(backend, spans)


def writer_of(writer: Executes, spans: "Spans | None") -> Executes:
    """Return what executes commands, traced or not."""
    return writer if spans is None else TracedWriter(writer, spans)


class TracedApplication(Application):
    """Answers requests, each in a span."""

    def __init__(self, backend: Backend, spans: "Spans") -> None:
        super().__init__(backend)
        self._spans = spans

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """Answer one request."""
        with self._spans.serving(request.method, request.headers):
            return await super().handle(request)

    def _record(self, exchange: Exchange, request_id: str, answer: Answer, seconds: float) -> None:
        super()._record(exchange, request_id, answer, seconds)
        facts = {"patchbay.request_id": request_id, "patchbay.key_id": exchange.principal.key_id}
        if answer.code:
            facts["error.type"] = answer.code
        self._spans.served(exchange.request.method, exchange.route.path, answer.status, facts)


class TracedWriter:
    """Executes commands, each in a span whose context goes into its event."""

    def __init__(self, writer: Executes, spans: "Spans") -> None:
        self._writer = writer
        self._spans = spans

    async def execute(self, write: Write, *, deadline: float) -> Written:
        """Carry out a command."""
        with self._spans.sending(write.stream) as sending:
            traced = msgspec.structs.replace(write, traceparent=sending.traceparent)
            written = await self._writer.execute(traced, deadline=deadline)
            if written.event is None or written.replayed:
                sending.needless()
            else:
                sending.landed(written.position.partition, written.position.next_offset - 1)
            return written

    async def rehearse(self, write: Write, *, deadline: float) -> Rehearsal:
        """Tell what a command would lead to; nothing is appended."""
        return await self._writer.rehearse(write, deadline=deadline)

    async def recall(self, write: Write, *, deadline: float) -> Written | None:
        """Return what a repeated command has led to."""
        return await self._writer.recall(write, deadline=deadline)

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command."""
        return await self._writer.look_up(reference)
