"""The commands: what is asked for, validated, with every id already minted."""

import msgspec

from patchbay.assistants.events import AssistantUpdated, NumberUpdated


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A wish. Deciding it leads to one event, to none, or to a rejection."""


class OpenAccount(Command, frozen=True, kw_only=True):
    """Open the account of a slug."""

    account_id: str
    slug: str
    name: str


class IssueKey(Command, frozen=True, kw_only=True):
    """Let a key act for an account, or for the operators (`account_id` None)."""

    key_id: str
    account_id: str | None
    name: str
    secret_sha256: str
    hint: str
    scopes: tuple[str, ...]
    expires_at: str | None
    requests_per_hour: int | None


class RotateKey(Command, frozen=True, kw_only=True):
    """Let a new key take the place of one in force, with its name, scopes and limit."""

    key_id: str  # the new one's
    replaces: str
    secret_sha256: str
    hint: str
    now: str  # ISO 8601, UTC, six digits
    overlap_until: str  # until when the replaced key may act, unless it ends before that
    expires_at: str | msgspec.UnsetType | None  # of the new key; UNSET = as the replaced one was issued


class RevokeKey(Command, frozen=True, kw_only=True):
    """Let a key act no longer."""

    key_id: str


class CreateAssistant(Command, frozen=True, kw_only=True):
    """Create an assistant from a template, `fields` laid over it."""

    assistant_id: str
    account_id: str
    name: str
    template_id: str
    fields: AssistantUpdated  # its assistant_id equals the command's; UNSET = the template's


class UpdateAssistant(Command, frozen=True, kw_only=True):
    """Change fields of an assistant; UNSET = unchanged."""

    assistant_id: str
    changes: AssistantUpdated
    if_match: tuple[int, ...] | None = None  # versions one of which must be current; () = "*" (it must exist)


class CloneAssistant(Command, frozen=True, kw_only=True):
    """Create an assistant that is configured as another one is now, without its numbers."""

    assistant_id: str  # of the new one
    account_id: str
    source_id: str
    name: str | None = None  # None: the other's, with " (Copy)" behind it
    if_match: tuple[int, ...] | None = None  # of the other


class DeclareAssistant(Command, frozen=True, kw_only=True):
    """Let there be an assistant of this name that is what the fields say: create it, or change what differs."""

    assistant_id: str  # of a new one
    account_id: str
    name: str
    template_id: str | None  # None: of a new one the default, of an existing one whatever it was
    fields: AssistantUpdated  # its assistant_id equals the command's; UNSET = the template's, or as it is
    if_match: tuple[int, ...] | None = None
    is_new: bool = False  # only if there is none


class SwitchInbound(Command, frozen=True, kw_only=True):
    """Let an assistant answer calls, which takes a number that calls come to; or not."""

    assistant_id: str
    is_enabled: bool
    if_match: tuple[int, ...] | None = None


class RestoreAssistant(Command, frozen=True, kw_only=True):
    """Give an assistant the configuration again that it had at an earlier version. Its numbers are left alone."""

    assistant_id: str
    version: int
    configuration: AssistantUpdated  # every field, as it was then; its assistant_id equals the command's
    if_match: tuple[int, ...] | None = None


class DeleteAssistant(Command, frozen=True, kw_only=True):
    """Let an assistant be no more; its numbers become free."""

    assistant_id: str
    if_match: tuple[int, ...] | None = None


class AssignNumbers(Command, frozen=True, kw_only=True):
    """Replace the whole list of numbers of an assistant."""

    assistant_id: str
    number_ids: tuple[str, ...]
    reassign: bool = False
    if_match: tuple[int, ...] | None = None


class UnassignNumber(Command, frozen=True, kw_only=True):
    """Take one number off whichever assistant of the account holds it (first half of a release)."""

    number_id: str


class RegisterNumber(Command, frozen=True, kw_only=True):
    """Let a number belong to an account. Decided in the number's own stream."""

    number_id: str
    phone_number: str  # E.164
    account_id: str


class UpdateNumber(Command, frozen=True, kw_only=True):
    """Change what becomes of calls to a number of an account; UNSET = unchanged. Decided in the number's own stream."""

    number_id: str
    account_id: str
    changes: NumberUpdated  # its number_id equals the command's


class ReleaseNumber(Command, frozen=True, kw_only=True):
    """Let a number belong to nobody (second half of a release). Decided in the number's own stream."""

    number_id: str
    account_id: str
