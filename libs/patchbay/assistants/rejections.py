"""
The answers by which the domain says no. Each has a stable code, a sentence for people, and its facts as attributes.

Rejection
├── AccountNotOpened, AccountExists
├── AssistantNotFound, KeyNotFound, NumberNotFound
├── KeyNotInForce          it is revoked, or has expired
├── AmbiguousName          several assistants have the name
├── NameInUse              one has the name, and the client wants it only if none has
├── NothingToMatch         none has it, and the client knows a version of it
├── TypeDiffers            the assistant was made from another template
├── InboundNeedsNumber     no call could reach the assistant
├── NumberTaken            another assistant of the account holds it
├── NumberOwnedElsewhere   another account has it
├── FallbackToItself       calls would go round in a circle
├── VersionMismatch        the assistant has moved on since the client read it
├── ModelOfAnotherProvider
├── ProviderGone           the catalogue has it no longer
└── VersionNotFound        the assistant never had this version
"""

from typing import ClassVar

import msgspec

from patchbay.assistants.states import Assistant


class Rejection(Exception):
    """The command breaks a rule; nothing is to be appended."""

    code: ClassVar[str]

    @property
    def sentence(self) -> str:
        """The reason, for people."""
        return str(self)


class AccountNotOpened(Rejection):
    """Nobody has opened the account."""

    code = "account_not_opened"

    def __init__(self, account_id: str) -> None:
        super().__init__(f"Account {account_id} has not been opened.")
        self.account_id = account_id


class AccountExists(Rejection):
    """The slug's account is open already, under another name."""

    code = "account_exists"

    def __init__(self, account_id: str, slug: str, name: str) -> None:
        super().__init__(f"The account {slug!r} is open already, with the name {name!r}.")
        self.account_id = account_id
        self.slug = slug
        self.name = name


class AssistantNotFound(Rejection):
    """The account has no such assistant."""

    code = "assistant_not_found"

    def __init__(self, assistant_id: str) -> None:
        super().__init__(f"There is no assistant {assistant_id}.")
        self.assistant_id = assistant_id


class KeyNotFound(Rejection):
    """There is no such key."""

    code = "key_not_found"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no key {key_id}.")
        self.key_id = key_id


class KeyNotInForce(Rejection):
    """The key is revoked, or has expired: there is nothing to hand over."""

    code = "key_not_in_force"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"Key {key_id} is revoked or has expired: issue a new one instead.")
        self.key_id = key_id


class NumberNotFound(Rejection):
    """Numbers that the account does not have."""

    code = "number_not_found"

    def __init__(self, number_ids: tuple[str, ...]) -> None:
        what = "phone number" if len(number_ids) == 1 else "phone numbers"
        super().__init__(f"The account has no {what} {_list(number_ids)}.")
        self.number_ids = number_ids  # every one, in the order asked for


class AmbiguousName(Rejection):
    """Several assistants of the account have the name, so it does not say which one is meant."""

    code = "ambiguous_name"

    def __init__(self, name: str, assistant_ids: tuple[str, ...]) -> None:
        super().__init__(
            f"{len(assistant_ids)} assistants have the name {name!r}: {_list(assistant_ids, 'and')}; "
            "change the one that is meant by its id, or rename or delete the others."
        )
        self.name = name
        self.assistant_ids = assistant_ids


class NameInUse(Rejection):
    """An assistant has the name, and the client said that none must (`If-None-Match: *`)."""

    code = "name_in_use"

    def __init__(self, name: str, assistant: Assistant) -> None:
        super().__init__(f"There is an assistant {name!r} already: {assistant.id}.")
        self.name = name
        self.assistant_id = assistant.id
        self.current_version = assistant.version


class NothingToMatch(Rejection):
    """No assistant has the name, and the client said which version it must have."""

    code = "nothing_to_match"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no assistant {name!r}, so it is at none of the versions of If-Match.")
        self.name = name


class TypeDiffers(Rejection):
    """The assistant was made from another template, and that stays so for its life."""

    code = "type_differs"

    def __init__(self, assistant: Assistant, template_id: str) -> None:
        super().__init__(
            f"Assistant {assistant.id} was made from the template {assistant.type}, which cannot become {template_id}; "
            "leave templateId out, or delete the assistant first."
        )
        self.assistant_id = assistant.id
        self.type = assistant.type


class InboundNeedsNumber(Rejection):
    """The assistant is to answer calls, and has no active phone number that they could come to."""

    code = "inbound_needs_number"

    def __init__(self, assistant: Assistant) -> None:
        count = len(assistant.phone_number_ids)
        lacks = f"has no active one among its {count} phone numbers" if count else "has no phone number"
        super().__init__(
            f"Assistant {assistant.id} {lacks}, so no call could reach it; "
            f"assign one first: PATCH /api/assistants/{assistant.id}/telephony/phone-numbers."
        )
        self.assistant_id = assistant.id


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A number and the assistant of the same account that holds it."""

    number_id: str
    assistant_id: str
    assistant_name: str | None  # None: not loaded


class NumberTaken(Rejection):
    """Another assistant of the account holds a number, and the command does not say to take it away."""

    code = "number_taken"

    def __init__(self, taken: tuple[Taken, ...]) -> None:
        first = taken[0]
        holder = (
            first.assistant_id if first.assistant_name is None else f"{first.assistant_name!r} ({first.assistant_id})"
        )
        more = "" if len(taken) == 1 else f", and {len(taken) - 1} more are held by other assistants too"
        super().__init__(
            f"Phone number {first.number_id} is held by assistant {holder}{more}; "
            "set reassign to true to take it away from there."
        )
        self.taken = taken  # every one, in the order asked for; never empty
        self.number_id = first.number_id
        self.assistant_id = first.assistant_id
        self.assistant_name = first.assistant_name


class NumberOwnedElsewhere(Rejection):
    """Another account has the number; which one is nobody's business."""

    code = "number_owned_elsewhere"

    def __init__(self, number_id: str, phone_number: str) -> None:
        super().__init__(f"Phone number {phone_number} is registered by another account.")
        self.number_id = number_id
        self.phone_number = phone_number


class FallbackToItself(Rejection):
    """A number's fallback is the number itself: its calls would go round in a circle."""

    code = "fallback_to_itself"

    def __init__(self, number_id: str, phone_number: str) -> None:
        super().__init__(f"{phone_number} cannot be its own fallback: its calls would go round in a circle.")
        self.number_id = number_id
        self.phone_number = phone_number


class VersionMismatch(Rejection):
    """The assistant has moved on since the client read it."""

    code = "version_mismatch"

    def __init__(self, assistant: Assistant, if_match: tuple[int, ...]) -> None:
        super().__init__(f"Assistant {assistant.id} is at version {assistant.version}, not {_list(if_match)}.")
        self.assistant = assistant  # as it is now; see `states.differing_fields`
        self.if_match = if_match
        self.current_version = assistant.version


class ModelOfAnotherProvider(Rejection):
    """The model belongs to another provider than the one that the assistant has, or would have."""

    code = "model_of_another_provider"

    def __init__(self, field: str, model: str, provider: str, belongs_to: str) -> None:
        super().__init__(
            f"{field} {model!r} belongs to {belongs_to}, but the assistant's provider for it is {provider}."
        )
        self.field = field  # model | voice_model | transcriptor_model
        self.model = model
        self.provider = provider
        self.belongs_to = belongs_to


class ProviderGone(Rejection):
    """The configuration to be restored has a provider that the catalogue no longer has."""

    code = "provider_gone"

    def __init__(self, field: str, provider: str) -> None:
        super().__init__(
            f"{field} was {provider!r}, which this installation no longer has; "
            "change the assistant to another one instead."
        )
        self.field = field  # provider | voice_provider | transcriptor_provider
        self.provider = provider


class VersionNotFound(Rejection):
    """The assistant never had this version, or was deleted by it."""

    code = "version_not_found"

    def __init__(self, assistant_id: str, version: int) -> None:
        super().__init__(f"There is no assistant {assistant_id} as of version {version}.")
        self.assistant_id = assistant_id
        self.version = version


def _list(items: tuple[object, ...], word: str = "or") -> str:
    shown = [str(item) for item in items[:10]]
    if len(items) > len(shown):
        shown.append(f"{len(items) - len(shown)} more")
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" {word} " + shown[-1]
