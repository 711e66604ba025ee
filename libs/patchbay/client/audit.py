"""The call about an account's own past: who changed what, when and why."""

from datetime import datetime
from typing import Final

from patchbay.client.paging import PAGE_RECORDS, Records, records_of
from patchbay.client.reach import Reach, given
from patchbay.client.records import AuditEntry

PATH: Final = "/api/audit"


class Audit:
    """Lists what was changed."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def list(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        field: str | None = None,
        actor: str | None = None,
        assistant_id: str | None = None,
        phone_number_id: str | None = None,
        account: str | None = None,
        limit: int = PAGE_RECORDS,
        cursor: str | None = None,
    ) -> Records[AuditEntry]:
        """
        Return what was changed, the newest first.

        Args:
            since: At this moment or later.
            until: At this moment or earlier.
            field: Only changes of this field.
            actor: Only what was done with this key, by its id.
            assistant_id: Only of this assistant.
            phone_number_id: Only of this phone number, while it was the account's; not with an assistant.
            account: Its slug, if not the client's.
            limit: Entries of a page.
            cursor: Where to begin; None = at the newest.
        """
        query = given(
            accountSlug=account or self._reach.account,
            since=since,
            until=until,
            field=field,
            actor=actor,
            assistant_id=assistant_id,
            phone_number_id=phone_number_id,
        )
        return records_of(self._reach, PATH, "audit", list[AuditEntry], query, limit=limit, cursor=cursor)
