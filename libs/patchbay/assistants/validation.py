"""What each request body may hold, and the rules between its fields that no state can change."""

from collections.abc import Mapping
from typing import Final

import msgspec

from patchbay.assistants.body_rules import (
    ACCOUNT_RULES,
    ASSIGN_RULES,
    KEY_RULES,
    MOST_NUMBERS,
    MOST_SCOPES,
    NUMBER_ID,
    NUMBER_RULES,
    REGISTER_RULES,
    ROTATE_RULES,
    SCOPE,
    Fields,
    create_rules,
    read_fields,
    read_list,
    update_rules,
)
from patchbay.assistants.catalogue import Catalogue, shipped_catalogue
from patchbay.assistants.configuration import fill_in, model_conflicts, template_configuration
from patchbay.assistants.errors import InvalidBody, Issue
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.fields import Rule
from patchbay.assistants.templates import DEFAULT_TEMPLATE

DEFAULT_REQUESTS_PER_HOUR: Final = 1_000
DEFAULT_OVERLAP_SECONDS: Final = 3_600


class CreateBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that creates an assistant."""

    account_slug: str
    name: str
    template_id: str
    fields: Fields  # configuration over the template's, by record field name


class UpdateBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that changes an assistant."""

    account_slug: str
    fields: Fields


class AssignBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that replaces an assistant's numbers."""

    account_slug: str
    number_ids: tuple[str, ...]
    reassign: bool


class RegisterBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that registers a phone number."""

    account_slug: str
    phone_number: str  # E.164


class NumberBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that changes what becomes of calls to a phone number."""

    account_slug: str
    fields: Fields  # fallback and status, those that were given


class AccountBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that opens an account."""

    slug: str
    name: str


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that issues a key."""

    account_slug: str | None  # None: for the operators
    name: str
    mode: str  # live | test
    scopes: tuple[str, ...]
    expires_at: str | None  # ISO 8601, UTC, six digits; whether it has passed already is for who has a clock
    requests_per_hour: int | None  # None: no limit


class RotateBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that lets a new key take the place of another."""

    account_slug: str | None  # None: of the operators
    overlap_seconds: int
    expires_at: str | msgspec.UnsetType | None  # of the new key; UNSET: as the replaced one was issued


def changes_of(assistant_id: str, configuration: Fields) -> AssistantUpdated:
    """Return the fields of a body as the changes that a command carries."""
    return AssistantUpdated(assistant_id=assistant_id, **configuration)


def check_create(body: Fields, catalogue: Catalogue | None = None) -> CreateBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    known = catalogue or shipped_catalogue()
    issues: list[Issue] = []
    values = read_fields(body, create_rules(known), ("accountSlug", "name"), issues)
    account_slug = values.pop("accountSlug", "")
    template_id = values.pop("templateId", DEFAULT_TEMPLATE)
    name = values.pop("name", "")
    if values and "templateId" not in _paths(issues):
        _check_pairs(values, template_configuration(template_id, known), known, issues)
    _raise(issues)
    return CreateBody(account_slug=account_slug, name=name, template_id=template_id, fields=values)


def check_update(body: Fields, catalogue: Catalogue | None = None) -> UpdateBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    known = catalogue or shipped_catalogue()
    issues: list[Issue] = []
    values = read_fields(body, update_rules(known), ("accountSlug",), issues)
    account_slug = values.pop("accountSlug", "")
    _check_pairs(values, {}, known, issues)
    _raise(issues)
    return UpdateBody(account_slug=account_slug, fields=values)


def check_assign(body: Fields) -> AssignBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    issues: list[Issue] = []
    values = read_fields(body, ASSIGN_RULES, ("accountSlug", "phoneNumberIds"), issues)
    number_ids = read_list(values.get("phoneNumberIds"), "phoneNumberIds", NUMBER_ID, MOST_NUMBERS, issues)
    _raise(issues)
    return AssignBody(account_slug=values["accountSlug"], number_ids=number_ids, reassign=values.get("reassign", False))


def check_register(body: Fields) -> RegisterBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    issues: list[Issue] = []
    values = read_fields(body, REGISTER_RULES, ("accountSlug", "phoneNumber"), issues)
    _raise(issues)
    return RegisterBody(account_slug=values["accountSlug"], phone_number=values["phoneNumber"])


def check_number(body: Fields) -> NumberBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    issues: list[Issue] = []
    values = read_fields(body, NUMBER_RULES, ("accountSlug",), issues)
    _raise(issues)
    return NumberBody(account_slug=values.pop("accountSlug"), fields=values)


def check_account(body: Fields) -> AccountBody:
    """
    Return what a decoded body asks for; an account without a name is named as its slug.

    Raises:
        InvalidBody: With every issue.
    """
    issues: list[Issue] = []
    values = read_fields(body, ACCOUNT_RULES, ("accountSlug",), issues)
    _raise(issues)
    return AccountBody(slug=values["accountSlug"], name=values.get("name") or values["accountSlug"])


def check_key(body: Fields) -> KeyBody:
    """
    Return what a decoded body asks for: a key of the account named, or of the operators if it says so.

    Raises:
        InvalidBody: With every issue.
    """
    issues: list[Issue] = []
    values = _read_whose(body, KEY_RULES, ("name",), issues)
    scopes = read_list(values.get("scopes", ["*"]), "scopes", SCOPE, MOST_SCOPES, issues)
    if not scopes and "scopes" not in _paths(issues):
        issues.append(Issue(path="scopes", code="empty", message="A key without a scope could do nothing."))
    _raise(issues)
    return KeyBody(
        account_slug=values.get("accountSlug"),
        name=values["name"],
        mode=values.get("mode", "live"),
        scopes=scopes,
        expires_at=values.get("expiresAt"),
        requests_per_hour=values.get("requestsPerHour", DEFAULT_REQUESTS_PER_HOUR),
    )


def check_rotate(body: Fields) -> RotateBody:
    """
    Return what a decoded body asks for: of a key of the account named, or of the operators if it says so.

    Raises:
        InvalidBody: With every issue.
    """
    issues: list[Issue] = []
    values = _read_whose(body, ROTATE_RULES, (), issues)
    _raise(issues)
    return RotateBody(
        account_slug=values.get("accountSlug"),
        overlap_seconds=values.get("overlapSeconds", DEFAULT_OVERLAP_SECONDS),
        expires_at=values.get("expiresAt", msgspec.UNSET),
    )


def _read_whose(body: Fields, rules: Mapping[str, Rule], required: tuple[str, ...], issues: list[Issue]) -> Fields:
    for_operators = body.get("operators") is True
    values = read_fields(body, rules, required if for_operators else ("accountSlug", *required), issues)
    if for_operators and "accountSlug" in body:
        issues.append(Issue(path="accountSlug", code="contradiction", message="An operators' key has no account."))
    return values


def _check_pairs(values: Fields, template: Mapping[str, object], catalogue: Catalogue, issues: list[Issue]) -> None:
    """Judge what the request itself contradicts; what only the state contradicts is for `decide`."""
    wrong = _paths(issues)
    issues += [
        Issue(path=conflict.field, code=conflict.code, message=conflict.sentence)
        for conflict in model_conflicts(
            fill_in(values, template, catalogue) if template else values, template, catalogue
        )
        if conflict.field.replace("model", "provider") not in wrong  # a provider nobody knows is the issue then
    ]


def _paths(issues: list[Issue]) -> set[str]:
    return {issue.path for issue in issues}


def _raise(issues: list[Issue]) -> None:
    if issues:
        raise InvalidBody(tuple(issues))
