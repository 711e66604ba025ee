"""What a rule tells of itself as JSON Schema is what it does: clients are made from the one, and meet the other."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patchbay.assistants import body_rules, lifecycle_bodies
from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.described import schema_of
from patchbay.assistants.fields import InvalidValue, Rule

RULES: dict[str, Rule] = {
    f"{kind}.{field}": rule
    for kind, rules in (
        ("create", body_rules.create_rules(shipped_catalogue())),
        ("assign", body_rules.ASSIGN_RULES),
        ("register", body_rules.REGISTER_RULES),
        ("number", body_rules.NUMBER_RULES),
        ("key", body_rules.KEY_RULES),
        ("rotate", body_rules.ROTATE_RULES),
        ("switch", lifecycle_bodies.SWITCH_RULES),
        ("restore", lifecycle_bodies.RESTORE_RULES),
    )
    for field, rule in rules.items()
}
BLANKS = " \t\n\x0b\x0c\r\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
EDGES = [
    "",
    "a",
    "a" * 200,
    "a" * 201,
    " " + "a" * 200 + "\n",
    "a\x7fb",
    "\x00",
    "\x1ca",
    "a\u2028b",
    "a\u200bb",
    "é b",
]
TEXTS = st.one_of(
    st.sampled_from([*EDGES, "gpt-5", "openai", "en-US", "my-team", "a--b", "-a", "+14155550100", "live", "active"]),
    st.text(st.sampled_from(BLANKS + "ab\x01\x7f\x9f\u200b-é"), max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=210),
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2, 2.0, 2.5, 0.0, 1024.0, 604_800, 604_801, 1_000_000, 1_000_001, 1e300, 10**20]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS, st.just({}))


def takes(rule: Rule, value: object) -> bool:
    """Return whether the rule keeps the value."""
    try:
        rule(value)
    except InvalidValue:
        return False
    return True


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
@settings(max_examples=50)
@given(value=VALUES)
@example(value=[])
def test_schema_and_rule_take_the_same_values(rule: Rule, value: Any) -> None:
    """Where a `format` says more than a schema can, the rule takes less, and never more."""
    schema = dict(schema_of(rule))
    schema.pop("minItems", None)  # of lists the rule judges the kind alone; `read_list` names the items
    is_valid = jsonschema_rs.Draft202012Validator(schema).is_valid(value)

    if "format" in schema:
        assert is_valid or not takes(rule, value)
    else:
        assert is_valid == takes(rule, value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("create.transcriptor_language", "pt-br"),
        ("register.phoneNumber", " +49 (30) 123-4567 "),
        ("number.fallback", "sip:desk@pbx.example.com;transport=tls"),
        ("number.fallback", None),
        ("key.expiresAt", "2027-01-31T12:00:00+01:00"),
    ],
)
def test_what_a_rule_with_a_format_takes_is_valid(field: str, value: Any) -> None:
    rule = RULES[field]

    assert takes(rule, value)
    assert jsonschema_rs.Draft202012Validator(dict(schema_of(rule)), validate_formats=True).is_valid(value)
