"""The calls about an assistant's telephony: its numbers, and whether it answers calls and makes them."""

from collections.abc import Sequence

import msgspec

from patchbay.client.assistants import assistant_of, path_of
from patchbay.client.reach import Reach
from patchbay.client.records import Assistant


class _NumbersAnswer(msgspec.Struct, frozen=True, rename="camel"):
    phone_number_ids: tuple[str, ...]


class Telephony:
    """Gives phone numbers to assistants, and switches their calls on and off."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def numbers(self, assistant_id: str) -> tuple[str, ...]:
        """
        Return the ids of an assistant's phone numbers.

        Raises:
            PatchbayError: It is not there, or there was no answer.
        """
        path = path_of(assistant_id) + "/telephony/phone-numbers"
        return (await self._reach.read(path, _NumbersAnswer)).phone_number_ids

    async def assign(
        self,
        assistant_id: str,
        phone_number_ids: Sequence[str],
        *,
        reassign: bool = False,
        account: str | None = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> Assistant:
        """
        Replace the phone numbers of an assistant. When this has returned, the next call is routed by it.

        Args:
            assistant_id: Which.
            phone_number_ids: All that it is to have.
            reassign: Take numbers from other assistants of the account.
            account: Its slug, if not the client's.
            if_match: Only at this version.
            idempotency_key: Names the write.

        Raises:
            Conflict: Another assistant has one of the numbers.
            PatchbayError: Nothing was assigned, or nobody knows.
        """
        body = {
            "accountSlug": self._reach.slug(account),
            "phoneNumberIds": list(phone_number_ids),
            "reassign": reassign,
        }
        path = path_of(assistant_id) + "/telephony/phone-numbers"
        return assistant_of(
            await self._reach.write("PATCH", path, body, idempotency_key=idempotency_key, if_match=if_match)
        )

    async def switch(
        self,
        assistant_id: str,
        *,
        inbound: bool | None = None,
        outbound: bool | None = None,
        account: str | None = None,
        idempotency_key: str | None = None,
    ) -> Assistant:
        """
        Let an assistant answer calls (which it can only with an active number), or make them: exactly one of the two.

        Raises:
            ValueError: None or both of the two were named.
            Conflict: It has no active number.
            PatchbayError: It was not switched, or nobody knows.
        """
        if (inbound is None) == (outbound is None):
            raise ValueError("name one: inbound or outbound")
        kind, is_enabled = ("outbound", outbound) if inbound is None else ("inbound", inbound)
        body = {"accountSlug": self._reach.slug(account), "enabled": is_enabled}
        path = f"{path_of(assistant_id)}/telephony/{kind}"
        return assistant_of(await self._reach.write("POST", path, body, idempotency_key=idempotency_key))
