"""The calls about assistants."""

from typing import Final, Unpack

import msgspec

from patchbay.client.answering import decode
from patchbay.client.exchanging import Reply
from patchbay.client.paging import PAGE_RECORDS, Records, records_of
from patchbay.client.reach import Reach, given, segment
from patchbay.client.records import Assistant, Changes, Configuration, Filters, Issue

PATH: Final = "/api/assistants"
_NOT_MODIFIED: Final = 304


class AssistantAnswer(msgspec.Struct, frozen=True):
    """The body of every answer about one assistant."""

    assistant: Assistant
    warnings: tuple[Issue, ...] = ()


class Assistants:
    """Creates, lists, reads, changes, copies and deletes assistants."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def create(
        self,
        name: str,
        *,
        template: str | None = None,
        account: str | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[Configuration],
    ) -> Assistant:
        """
        Create an assistant.

        Args:
            name: For people.
            template: `outbound-setter`, `inbound-support`, `follow-up`, or `custom`, which is the default.
            account: Its slug, if not the client's.
            idempotency_key: Names the write.
            fields: Count more than the template's.

        Raises:
            PatchbayError: It was not created, or nobody knows.
        """
        body = {"accountSlug": self._reach.slug(account), "name": name, **fields}
        if template is not None:
            body["templateId"] = template
        return assistant_of(await self._reach.write("POST", PATH, body, idempotency_key=idempotency_key))

    def list(
        self,
        *,
        account: str | None = None,
        limit: int = PAGE_RECORDS,
        cursor: str | None = None,
        **filters: Unpack[Filters],
    ) -> Records[Assistant]:
        """Return the account's assistants, to be walked through: all that pass every filter, in the order of `sort`."""
        query = given(accountSlug=account or self._reach.account, **filters)
        return records_of(self._reach, PATH, "assistants", list[Assistant], query, limit=limit, cursor=cursor)

    async def get(self, assistant_id: str) -> Assistant:
        """
        Return an assistant as it is now.

        Raises:
            PatchbayError: It is not there, or there was no answer.
        """
        return (await self._reach.read(path_of(assistant_id), AssistantAnswer)).assistant

    async def get_if_changed(self, assistant_id: str, version: int) -> Assistant | None:
        """
        Return the assistant if its version is not this one any more, else None.

        Raises:
            PatchbayError: It is not there, or there was no answer.
        """
        reply = await self._reach.calls.read(path_of(assistant_id), headers={"If-None-Match": f'"{version}"'})
        return None if reply.status == _NOT_MODIFIED else assistant_of(reply)

    async def update(
        self,
        assistant_id: str,
        *,
        account: str | None = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
        **changes: Unpack[Changes],
    ) -> Assistant:
        """
        Change what is named; everything else stays as it is.

        Args:
            assistant_id: Which.
            account: Its slug, if not the client's.
            if_match: Only at this version.
            idempotency_key: Names the write.
            changes: New values; `None` clears a text that may be empty.

        Raises:
            VersionMismatch: It is at another version.
            PatchbayError: It was not changed, or nobody knows.
        """
        body = {"accountSlug": self._reach.slug(account), **changes}
        reply = await self._reach.write(
            "PATCH", path_of(assistant_id), body, idempotency_key=idempotency_key, if_match=if_match
        )
        return assistant_of(reply)

    async def declare(
        self,
        name: str,
        *,
        template: str | None = None,
        account: str | None = None,
        if_match: int | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
        **fields: Unpack[Configuration],
    ) -> Assistant:
        """
        Have an assistant of this name be so: create it, or change only what differs.

        Args:
            name: Which.
            template: For its creation.
            account: Its slug, if not the client's.
            if_match: Only if it is there, at this version.
            only_new: Only if there is none.
            idempotency_key: Names the write.
            fields: What it is to be; the others stay as they are.

        Raises:
            Conflict: Two assistants have this name.
            VersionMismatch: It is at another version, or is there and was to be new.
            PatchbayError: It was not declared, or nobody knows.
        """
        body = {"accountSlug": self._reach.slug(account), **fields}
        if template is not None:
            body["templateId"] = template
        path = f"{PATH}/by-name/{segment(name)}"
        reply = await self._reach.write(
            "PUT", path, body, idempotency_key=idempotency_key, if_match=if_match, only_new=only_new
        )
        return assistant_of(reply)

    async def clone(
        self,
        assistant_id: str,
        *,
        name: str | None = None,
        account: str | None = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> Assistant:
        """
        Create an assistant that is configured like this one, without its numbers.

        Args:
            assistant_id: Which.
            name: Of the new one; the old one's with "(Copy)" behind it where none is named.
            account: Its slug, if not the client's.
            if_match: Only at this version.
            idempotency_key: Names the write.

        Raises:
            PatchbayError: It was not created, or nobody knows.
        """
        body = {"accountSlug": self._reach.slug(account)} | ({} if name is None else {"name": name})
        path = path_of(assistant_id) + "/clone"
        return assistant_of(
            await self._reach.write("POST", path, body, idempotency_key=idempotency_key, if_match=if_match)
        )

    async def delete(
        self,
        assistant_id: str,
        *,
        account: str | None = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """
        Delete an assistant; its numbers become free.

        Args:
            assistant_id: Which.
            account: Its slug, if not the client's.
            if_match: Only at this version.
            idempotency_key: Names the write.

        Raises:
            PatchbayError: It was not deleted, or nobody knows.
        """
        query = given(accountSlug=account or self._reach.account)
        await self._reach.write(
            "DELETE", path_of(assistant_id), idempotency_key=idempotency_key, if_match=if_match, query=query
        )


def path_of(assistant_id: str) -> str:
    """Return the path of one assistant."""
    return f"{PATH}/{segment(assistant_id)}"


def assistant_of(reply: Reply) -> Assistant:
    """
    Return the assistant that an answer holds, with the warnings beside it.

    Raises:
        UnexpectedAnswer: It holds none.
    """
    answer = decode(reply, AssistantAnswer)
    return msgspec.structs.replace(answer.assistant, warnings=answer.warnings) if answer.warnings else answer.assistant
