"""The calls about what an assistant was: its versions, each made by one event, and the way back."""

from datetime import datetime

from patchbay.client.assistants import AssistantAnswer, assistant_of, path_of
from patchbay.client.paging import PAGE_RECORDS, Records, records_of
from patchbay.client.reach import Reach, given
from patchbay.client.records import Assistant, Difference, Version

Point = int | datetime  # a version, or a moment: what the assistant was then


class Versions:
    """Lists, reads and compares versions, and brings one back. Those of a deleted assistant stay readable."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def list(
        self, assistant_id: str, *, oldest_first: bool = False, limit: int = PAGE_RECORDS, cursor: str | None = None
    ) -> Records[Version]:
        """Return the versions, the newest first: who, when, why, which fields."""
        query = given(order="oldest" if oldest_first else None)
        path = path_of(assistant_id) + "/versions"
        return records_of(self._reach, path, "versions", list[Version], query, limit=limit, cursor=cursor)

    async def get(self, assistant_id: str, version: int) -> Assistant:
        """
        Return the assistant as this version left it.

        Raises:
            PatchbayError: There is no such version, or there was no answer.
        """
        return (await self._reach.read(f"{path_of(assistant_id)}/versions/{version}", AssistantAnswer)).assistant

    async def at(self, assistant_id: str, point: Point) -> Assistant:
        """
        Return the assistant as it was at a moment, or at a version.

        Raises:
            PatchbayError: It was not there then, or there was no answer.
        """
        return (await self._reach.read(path_of(assistant_id), AssistantAnswer, given(at=point))).assistant

    async def diff(self, assistant_id: str, *, since: Point | None = None, until: Point | None = None) -> Difference:
        """
        Return which fields differ between two points.

        Args:
            assistant_id: Which.
            since: Unnamed: the version before `until`.
            until: Unnamed: now.

        Raises:
            PatchbayError: It was not there then, or there was no answer.
        """
        query = given(**{"from": since, "to": until})
        return await self._reach.read(path_of(assistant_id) + "/diff", Difference, query)

    async def restore(
        self,
        assistant_id: str,
        version: int,
        *,
        account: str | None = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> Assistant:
        """
        Make a new version that is configured as an old one was; phone numbers stay where they are.

        Args:
            assistant_id: Which.
            version: The old one.
            account: Its slug, if not the client's.
            if_match: Only at this version.
            idempotency_key: Names the write.

        Raises:
            PatchbayError: It was not restored, or nobody knows.
        """
        body = {"accountSlug": self._reach.slug(account), "version": version}
        reply = await self._reach.write(
            "POST", path_of(assistant_id) + "/restore", body, idempotency_key=idempotency_key, if_match=if_match
        )
        return assistant_of(reply)
