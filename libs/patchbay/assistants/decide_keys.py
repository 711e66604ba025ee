"""What the commands about keys lead to, in an account's stream as in the operators'."""

from collections.abc import Mapping

import msgspec

from patchbay.assistants.commands import IssueKey, RevokeKey, RotateKey
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import KeyIssued, KeyRevoked, ReplacedKey
from patchbay.assistants.rejections import KeyNotFound, KeyNotInForce
from patchbay.assistants.states import Key


def issue_key(command: IssueKey, keys: Mapping[str, Key | None]) -> KeyIssued | None:
    """Let a key act; None: it may already."""
    if keys.get(command.key_id) is not None:
        return None
    return KeyIssued(
        key_id=command.key_id,
        account_id=command.account_id,
        name=command.name,
        secret_sha256=command.secret_sha256,
        hint=command.hint,
        scopes=command.scopes,
        expires_at=command.expires_at,
        requests_per_hour=command.requests_per_hour,
    )


def rotate_key(command: RotateKey, keys: Mapping[str, Key | None]) -> KeyIssued:
    """
    Let a new key take the place of one, in one event.

    Raises:
        KeyNotFound: There is none to replace.
        KeyNotInForce: It may act no longer.
        PartNotLoaded: It was not loaded.
    """
    key = _loaded(keys, command.replaces)
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= command.now):
        raise KeyNotInForce(key.id)
    ends = command.overlap_until if key.expires_at is None else min(command.overlap_until, key.expires_at)
    return KeyIssued(
        key_id=command.key_id,
        account_id=key.account_id,
        name=key.name,
        secret_sha256=command.secret_sha256,
        hint=command.hint,
        scopes=key.scopes,
        expires_at=key.expires_at if command.expires_at is msgspec.UNSET else command.expires_at,
        requests_per_hour=key.requests_per_hour,
        replaces=ReplacedKey(key_id=key.id, expires_at=ends),
    )


def revoke_key(command: RevokeKey, keys: Mapping[str, Key | None]) -> KeyRevoked | None:
    """
    Let a key act no longer; None: it may not already.

    Raises:
        KeyNotFound: There is no such key.
        PartNotLoaded: It was not loaded.
    """
    key = _loaded(keys, command.key_id)
    return None if key.revoked_at is not None else KeyRevoked(key_id=command.key_id)


def _loaded(keys: Mapping[str, Key | None], key_id: str) -> Key:
    try:
        key = keys[key_id]
    except KeyError:
        raise PartNotLoaded("key", key_id) from None
    if key is None:
        raise KeyNotFound(key_id)
    return key
