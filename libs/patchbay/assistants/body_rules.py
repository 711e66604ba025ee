"""The table of fields of each request body, and how a body is read by its table."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from patchbay.assistants import fields, formats
from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.described import says, schema_of
from patchbay.assistants.errors import Issue
from patchbay.assistants.fields import InvalidValue, Rule
from patchbay.assistants.ids import NUMBER
from patchbay.assistants.json_body import shown
from patchbay.assistants.scopes import SCOPES
from patchbay.assistants.templates import TEMPLATE_IDS

Fields = dict[str, Any]

MOST_NUMBERS: Final = 1_000  # in one assignment
MOST_SCOPES: Final = 50


def read_fields(body: Fields, rules: Mapping[str, Rule], required: tuple[str, ...], issues: list[Issue]) -> Fields:
    """
    Return the values of `body` that keep their rules, by field; what does not is appended to `issues`.

    Args:
        body: A decoded JSON object.
        rules: By field; a field that is not here is an issue.
        required: Fields that must be there.
        issues: Filled.
    """
    values: Fields = {}
    for name, value in body.items():
        rule = rules.get(name)
        if rule is None:
            issues.append(Issue(path=shown(name), code="unknown_field", message="There is no such field."))
            continue
        try:
            values[name] = rule(value)
        except InvalidValue as invalid:
            issues.append(Issue(path=name, code=invalid.code, message=invalid.message))
    issues += [
        Issue(path=name, code="required", message="This field is required.") for name in required if name not in body
    ]
    return values


def read_list(items: object, path: str, rule: Rule, at_most: int, issues: list[Issue]) -> tuple[Any, ...]:
    """Return the items that keep the rule, in order; each that does not, or comes twice, is appended to `issues`."""
    if not isinstance(items, list):
        return ()  # absent or of another type: said already
    if len(items) > at_most:
        issues.append(Issue(path=path, code="too_many", message=f"At most {at_most:,} are allowed here."))
        return ()
    values: dict[Any, None] = {}
    for index, item in enumerate(items):
        try:
            value = rule(item)
        except InvalidValue as invalid:
            issues.append(Issue(path=f"{path}[{index}]", code=invalid.code, message=invalid.message))
            continue
        if value in values:
            issues.append(Issue(path=f"{path}[{index}]", code="duplicate", message=f"{value} is named twice."))
        values[value] = None
    return tuple(values)


def _list_of(rule: Rule, at_most: int, at_least: int = 0) -> Rule:
    """A list; what it may hold is told here, and judged by `read_list`, which names each item that is wrong."""
    bounds = {"minItems": at_least, "maxItems": at_most, "uniqueItems": True}

    @says({"type": "array", "items": schema_of(rule), **bounds})
    def check(value: object) -> object:
        if not isinstance(value, list):
            raise fields.wrong_type("a list", value)
        return value

    return check


@lru_cache(maxsize=8)
def update_rules(catalogue: Catalogue) -> Mapping[str, Rule]:
    """Return the fields of a change of an assistant, with the providers of `catalogue`."""
    clearable = fields.label(clearable=True)
    return {
        "accountSlug": fields.slug,
        "name": fields.label(fields.NAME_CHARACTERS),
        "first_message": fields.prompt(fields.FIRST_MESSAGE_CHARACTERS),
        "system_prompt": fields.prompt(fields.SYSTEM_PROMPT_CHARACTERS),
        "provider": fields.one_of(catalogue.providers, "unknown_provider"),
        "model": fields.label(),
        "temperature": fields.number(*fields.TEMPERATURE),
        "max_tokens": fields.integer(*fields.MAX_TOKENS),
        "voice_provider": fields.one_of(catalogue.voice_providers, "unknown_provider"),
        "voice_model": clearable,
        "voice_id": clearable,
        "voice_name": clearable,
        "transcriptor_provider": fields.one_of(catalogue.transcriptor_providers, "unknown_provider"),
        "transcriptor_model": fields.label(),
        "transcriptor_language": formats.language,
        "recording_enabled": fields.boolean,
        "inbound_enabled": fields.boolean,
        "outbound_enabled": fields.boolean,
    }


@lru_cache(maxsize=8)
def create_rules(catalogue: Catalogue) -> Mapping[str, Rule]:
    """Return the fields of the creation of an assistant, with the providers of `catalogue`."""
    return {**update_rules(catalogue), "templateId": fields.one_of(TEMPLATE_IDS, "unknown_template")}


NUMBER_ID: Final = fields.identifier(NUMBER)
SCOPE: Final = fields.one_of(sorted(SCOPES), "unknown_scope")
ASSIGN_RULES: Final[Mapping[str, Rule]] = {
    "accountSlug": fields.slug,
    "phoneNumberIds": _list_of(NUMBER_ID, MOST_NUMBERS),
    "reassign": fields.boolean,
}
REGISTER_RULES: Final[Mapping[str, Rule]] = {"accountSlug": fields.slug, "phoneNumber": formats.phone_number}
NUMBER_STATUSES: Final = ("active", "suspended")
NUMBER_RULES: Final[Mapping[str, Rule]] = {
    "accountSlug": fields.slug,
    "fallback": formats.call_target,
    "status": fields.one_of(NUMBER_STATUSES),
}
ACCOUNT_RULES: Final[Mapping[str, Rule]] = {"accountSlug": fields.slug, "name": fields.label(fields.NAME_CHARACTERS)}
ROTATE_RULES: Final[Mapping[str, Rule]] = {
    "accountSlug": fields.slug,
    "operators": fields.boolean,
    "overlapSeconds": fields.integer(*fields.OVERLAP_SECONDS),
    "expiresAt": formats.time,
}
KEY_RULES: Final[Mapping[str, Rule]] = {
    "accountSlug": fields.slug,
    "operators": fields.boolean,
    "name": fields.label(fields.NAME_CHARACTERS),
    "mode": fields.one_of(("live", "test")),
    "scopes": _list_of(SCOPE, MOST_SCOPES, at_least=1),
    "expiresAt": formats.time,
    "requestsPerHour": fields.integer(*fields.REQUESTS_PER_HOUR, nullable=True),
}
