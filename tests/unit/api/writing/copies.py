"""One copy of the API's writing part, and the commands that tests give to it."""

import asyncio
from secrets import token_hex
from typing import Any

from patchbay.api.writing.outcomes import Write, Written
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.writer import Writer
from patchbay.assistants.commands import (
    AssignNumbers,
    Command,
    CreateAssistant,
    DeclareAssistant,
    OpenAccount,
    RegisterNumber,
    UnassignNumber,
    UpdateAssistant,
)
from patchbay.assistants.events import AssistantUpdated
from patchbay.eventlog.memory import MemoryAppender


class Copy:
    """One copy of the API's writing part."""

    def __init__(self, writer: Writer, appender: MemoryAppender, settler: Settler, account: str) -> None:
        self.writer = writer
        self.appender = appender
        self.settler = settler
        self.account = account

    def execute(
        self,
        command: Command,
        *,
        stream: str | None = None,
        command_id: str | None = None,
        request_digest: str = "0" * 64,
        seconds: float = 5.0,
        changes_routing: bool = False,
        repeats: bool = True,
    ) -> "asyncio.Task[Written]":
        """Start a write; await the task for its outcome."""
        write = Write(
            stream=stream or self.account,
            command=command,
            command_id=command_id or token_hex(32),
            request_digest=request_digest,
            actor="key_test",
            changes_routing=changes_routing,
            repeats=repeats,
        )
        deadline = asyncio.get_running_loop().time() + seconds
        return asyncio.create_task(self.writer.execute(write, deadline=deadline))

    async def open_account(self, slug: str = "my-team", account: str | None = None) -> Written:
        """Open the account."""
        account = account or self.account
        return await self.execute(OpenAccount(account_id=account, slug=slug, name=slug), stream=account)

    async def register(self, number_id: str, phone_number: str) -> Written:
        """Register a number for the account."""
        command = RegisterNumber(number_id=number_id, phone_number=phone_number, account_id=self.account)
        return await self.execute(command, stream=number_id)


def create(account: str, assistant_id: str, name: str = "Agent") -> CreateAssistant:
    """Return the command that creates a custom assistant."""
    return CreateAssistant(
        assistant_id=assistant_id,
        account_id=account,
        name=name,
        template_id="custom",
        fields=AssistantUpdated(assistant_id=assistant_id),
    )


def declare(account: str, assistant_id: str, name: str = "Agent", **fields: Any) -> DeclareAssistant:
    """Return the command that says what the assistant of a name is to be."""
    return DeclareAssistant(
        assistant_id=assistant_id,
        account_id=account,
        name=name,
        template_id=None,
        fields=AssistantUpdated(assistant_id=assistant_id, **fields),
    )


def rename(assistant_id: str, name: str) -> UpdateAssistant:
    """Return the command that renames an assistant."""
    return UpdateAssistant(assistant_id=assistant_id, changes=AssistantUpdated(assistant_id=assistant_id, name=name))


def assign(assistant_id: str, *number_ids: str, reassign: bool = True) -> AssignNumbers:
    """Return the command that gives an assistant these numbers and no others."""
    return AssignNumbers(assistant_id=assistant_id, number_ids=number_ids, reassign=reassign)


def unassign(number_id: str) -> UnassignNumber:
    """Return the command that takes a number off whoever holds it."""
    return UnassignNumber(number_id=number_id)
