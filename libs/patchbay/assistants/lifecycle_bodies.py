"""What the bodies may hold that copy, declare, switch and restore assistants."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from patchbay.assistants import fields
from patchbay.assistants.body_rules import Fields, create_rules, read_fields
from patchbay.assistants.catalogue import Catalogue, shipped_catalogue
from patchbay.assistants.errors import InvalidBody, Issue
from patchbay.assistants.fields import InvalidValue, Rule
from patchbay.assistants.validation import check_update

NAME: Final = fields.label(fields.NAME_CHARACTERS)
CLONE_RULES: Final[Mapping[str, Rule]] = {"accountSlug": fields.slug, "name": NAME}
SWITCH_RULES: Final[Mapping[str, Rule]] = {"accountSlug": fields.slug, "enabled": fields.boolean}
RESTORE_RULES: Final[Mapping[str, Rule]] = {"accountSlug": fields.slug, "version": fields.integer(1, 999_999_999)}


class CloneBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that copies an assistant."""

    account_slug: str
    name: str | None


class DeclareBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that says what the assistant of a name is to be."""

    account_slug: str
    name: str
    template_id: str | None
    fields: Fields


class SwitchBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that switches calls on or off."""

    account_slug: str
    is_enabled: bool


class RestoreBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for that restores an assistant."""

    account_slug: str
    version: int


@lru_cache(maxsize=8)
def declare_rules(catalogue: Catalogue) -> Mapping[str, Rule]:
    """Return the fields of a declaration: those of a creation but the name, which stands in the path."""
    return {field: rule for field, rule in create_rules(catalogue).items() if field != "name"}


def check_clone(body: Fields) -> CloneBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    values = _read(body, CLONE_RULES, ("accountSlug",))
    return CloneBody(account_slug=values["accountSlug"], name=values.get("name"))


def check_switch(body: Fields) -> SwitchBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    values = _read(body, SWITCH_RULES, ("accountSlug", "enabled"))
    return SwitchBody(account_slug=values["accountSlug"], is_enabled=values["enabled"])


def check_restore(body: Fields) -> RestoreBody:
    """
    Return what a decoded body asks for.

    Raises:
        InvalidBody: With every issue.
    """
    values = _read(body, RESTORE_RULES, ("accountSlug", "version"))
    return RestoreBody(account_slug=values["accountSlug"], version=values["version"])


def check_declare(name: str, body: Fields, catalogue: Catalogue | None = None) -> DeclareBody:
    """
    Return what a decoded body asks for.

    Args:
        name: Of the assistant, as the path has it.
        body: The rest.
        catalogue: The providers in force; None = as shipped.

    Raises:
        InvalidBody: With every issue.
    """
    known = catalogue or shipped_catalogue()
    issues: list[Issue] = []
    try:
        name = str(NAME(name))
    except InvalidValue as invalid:
        issues.append(Issue(path="name", code=invalid.code, message=invalid.message))
    if "name" in body:
        message = "The name stands in the path; another one is given by a PATCH."
        issues.append(Issue(path="name", code="contradiction", message=message))
    beside = {"templateId", "name"}
    template = read_fields({f: v for f, v in body.items() if f == "templateId"}, declare_rules(known), (), issues)
    try:
        update = check_update({field: value for field, value in body.items() if field not in beside}, known)
    except InvalidBody as invalid:
        issues += invalid.issues
    _raise(issues)
    return DeclareBody(
        account_slug=update.account_slug, name=name, template_id=template.get("templateId"), fields=update.fields
    )


def _read(body: Fields, rules: Mapping[str, Rule], required: tuple[str, ...]) -> dict[str, Any]:
    issues: list[Issue] = []
    values = read_fields(body, rules, required, issues)
    _raise(issues)
    return values


def _raise(issues: list[Issue]) -> None:
    if issues:
        raise InvalidBody(tuple(issues))
