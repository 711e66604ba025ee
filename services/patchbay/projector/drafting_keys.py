"""The keys' rows that follow from one batch of events, before they are written."""

from typing import Any

import msgspec

from patchbay.assistants.events import KeyIssued
from patchbay.projection import Write
from patchbay.projector import writes

_encode = msgspec.json.Encoder().encode

Row = tuple[Any, ...]


class _Ending(msgspec.Struct):
    """What ends a key, or is to."""

    account_id: str | None
    revoked_at: str | None = None
    retires_at: str | None = None
    replaced_by: str | None = None


class KeyDrafts:
    """Keys that were issued, revoked or replaced. Whose a key is counts: another stream's events change nothing."""

    def __init__(self) -> None:
        self._issued: dict[str, Row] = {}
        self._endings: dict[str, _Ending] = {}  # of keys of this batch and of earlier ones

    def issue(self, event: KeyIssued, time: str) -> bool:
        """Draft a new key, and the end of the one that it replaces; False if this batch has issued it already."""
        if event.key_id in self._issued:
            return False
        scopes = _encode(event.scopes).decode()  # an array of arrays would have to be a rectangle
        facts = (event.name, event.hint, scopes, event.expires_at, event.requests_per_hour)
        secret = bytes.fromhex(event.secret_sha256)
        self._issued[event.key_id] = (event.key_id, event.account_id, secret, *facts, time)
        self._endings.pop(event.key_id, None)  # of a key that was not there
        replaced = event.replaces
        if replaced is not msgspec.UNSET:
            ending = self._ending(replaced.key_id, event.account_id)
            if ending is not None:
                ending.retires_at = min(replaced.expires_at, ending.retires_at or replaced.expires_at)
                ending.replaced_by = event.key_id
        return True

    def revoke(self, key_id: str, account_id: str | None, time: str) -> None:
        """Draft that a key acts no longer."""
        ending = self._ending(key_id, account_id)
        if ending is not None:
            ending.revoked_at = time

    def _ending(self, key_id: str, account_id: str | None) -> _Ending | None:
        """Return what is to be filled in; None: this batch has issued the key for somebody else."""
        issued = self._issued.get(key_id)
        if issued is not None and issued[1] != account_id:
            return None
        ending = self._endings.get(key_id)
        if ending is None:
            ending = self._endings[key_id] = _Ending(account_id)
        return ending if ending.account_id == account_id else None

    def tables(self) -> tuple[tuple[Write, list[Row]], ...]:
        """Return what is to be written: no key stands in both lists."""
        unended = _Ending(None)
        issued = [
            (*row, ending.revoked_at, ending.retires_at, ending.replaced_by)
            for key_id, row in self._issued.items()
            for ending in (self._endings.get(key_id, unended),)
        ]
        changed = [
            (key_id, ending.account_id, ending.revoked_at, ending.retires_at, ending.replaced_by)
            for key_id, ending in self._endings.items()
            if key_id not in self._issued
        ]
        return ((writes.INSERT_KEYS, issued), (writes.UPDATE_KEYS, changed))
