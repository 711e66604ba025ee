"""The calls about phone numbers, and who answers them."""

from datetime import datetime
from typing import Final

import msgspec

from patchbay.client.answering import decode
from patchbay.client.paging import PAGE_RECORDS, Records, records_of
from patchbay.client.reach import Reach, given, segment
from patchbay.client.records import InboundRoute, NumberChange, PhoneNumber

PATH: Final = "/api/phone-numbers"


class _NumberAnswer(msgspec.Struct, frozen=True):
    phone_number: PhoneNumber


class PhoneNumbers:
    """Registers, lists, changes and releases phone numbers."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def register(
        self, phone_number: str, *, account: str | None = None, idempotency_key: str | None = None
    ) -> PhoneNumber:
        """
        Register a number, such as `+14155550100`, for the account; one that it has already stays as it is.

        Raises:
            Conflict: Another account has it.
            PatchbayError: It was not registered, or nobody knows.
        """
        body = {"accountSlug": self._reach.slug(account), "phoneNumber": phone_number}
        reply = await self._reach.write("POST", PATH, body, idempotency_key=idempotency_key)
        return decode(reply, _NumberAnswer).phone_number

    def list(
        self, *, account: str | None = None, limit: int = PAGE_RECORDS, cursor: str | None = None
    ) -> Records[PhoneNumber]:
        """Return the account's numbers, to be walked through."""
        query = given(accountSlug=account or self._reach.account)
        return records_of(self._reach, PATH, "phone_numbers", list[PhoneNumber], query, limit=limit, cursor=cursor)

    async def get(self, number_id: str) -> PhoneNumber:
        """
        Return a number.

        Raises:
            PatchbayError: It is not there, or there was no answer.
        """
        return (await self._reach.read(_path(number_id), _NumberAnswer)).phone_number

    def history(self, number_id: str, *, limit: int = PAGE_RECORDS, cursor: str | None = None) -> Records[NumberChange]:
        """Return what happened to a number while it was the account's, the newest first."""
        return records_of(
            self._reach, _path(number_id) + "/history", "history", list[NumberChange], {}, limit=limit, cursor=cursor
        )

    async def update(
        self,
        number_id: str,
        *,
        fallback: str | msgspec.UnsetType | None = msgspec.UNSET,
        status: str | msgspec.UnsetType = msgspec.UNSET,
        account: str | None = None,
        idempotency_key: str | None = None,
    ) -> PhoneNumber:
        """
        Change what is named.

        Args:
            number_id: Which.
            fallback: Where calls go that no assistant answers: a phone number, a SIP URI, or None.
            status: `active` or `suspended`; for operators.
            account: Its slug, if not the client's.
            idempotency_key: Names the write.

        Raises:
            PatchbayError: It was not changed, or nobody knows.
        """
        named = {"fallback": fallback, "status": status}
        changes = {name: value for name, value in named.items() if value is not msgspec.UNSET}
        body = {"accountSlug": self._reach.slug(account), **changes}
        reply = await self._reach.write("PATCH", _path(number_id), body, idempotency_key=idempotency_key)
        return decode(reply, _NumberAnswer).phone_number

    async def release(self, number_id: str, *, idempotency_key: str | None = None) -> None:
        """
        Take a number off its assistant, then give it up.

        Raises:
            PatchbayError: It was not released, or nobody knows.
        """
        await self._reach.write("DELETE", _path(number_id), idempotency_key=idempotency_key)


class Routing:
    """Tells who answers."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def look_up(self, phone_number: str, *, at: datetime | None = None) -> InboundRoute:
        """
        Return who answers a call to this number, or why nobody does; with a moment, who would have answered then.

        Raises:
            PatchbayError: There was no answer.
        """
        return await self._reach.read(f"/api/routing/inbound/{segment(phone_number)}", InboundRoute, given(at=at))


def _path(number_id: str) -> str:
    return f"{PATH}/{segment(number_id)}"
