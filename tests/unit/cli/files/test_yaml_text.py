"""Files as people write them, and as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.cli.errors import BadFile
from patchbay.cli.files import yaml_text
from patchbay.cli.files.fields import KINDS, TEMPLATE, Kind
from patchbay.cli.files.yaml_text import MOST_FILE_BYTES

BY_HAND = """\
# Owned by the night shift.
name: Front desk   # as the callers know it
template: inbound-support

model: no          # a model, not a boolean
temperature: 1
recording_enabled: true
first_message:
system_prompt: |
  You answer the phone.

  Be brief.

# The end.
"""

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_LINES = st.lists(
    st.sampled_from(["", " ", "  x", "a: b", "# c", "\t", "- d", "'", "ü", "---", "...", "|"]), max_size=6
)
_VALUES = {
    Kind.TEXT: st.none() | _TEXTS | _LINES.map("\n".join),
    Kind.NUMBER: st.floats(0, 2, allow_nan=False),
    Kind.INTEGER: st.integers(1, 10**6),
    Kind.TRUTH: st.booleans(),
}
_PROMPTS = {"first_message": _VALUES[Kind.TEXT], "system_prompt": _VALUES[Kind.TEXT]}
_FIELDS = st.fixed_dictionaries(
    {}, optional={"temperature": _VALUES[Kind.NUMBER], "max_tokens": _VALUES[Kind.INTEGER], **_PROMPTS}
)


def fields_of(text: str) -> dict[str, object]:
    return dict(yaml_text.read(text.encode(), "x.yaml").fields)


def test_the_field_says_what_a_value_is() -> None:
    """YAML's own guesses (`no` is false, `1` is no float) are nobody's."""
    assert fields_of(BY_HAND) == {
        "name": "Front desk",
        "template": "inbound-support",
        "model": "no",
        "temperature": 1.0,
        "recording_enabled": True,
        "first_message": None,
        "system_prompt": "You answer the phone.\n\nBe brief.\n",
    }


def test_what_is_changed_leaves_everything_else_as_it_was() -> None:
    """Comments, blanks, order."""
    document = yaml_text.read(BY_HAND.encode(), "x.yaml")
    changed = yaml_text.change(
        document, {"temperature": 0.5, "first_message": "Hi: there", "system_prompt": "One.\nTwo.", "max_tokens": 7}
    )

    expected = BY_HAND.replace("temperature: 1\n", "temperature: 0.5\n")
    expected = expected.replace("first_message:\n", 'first_message: "Hi: there"\n')
    expected = expected.replace("|\n  You answer the phone.\n\n  Be brief.", "|-\n  One.\n  Two.")
    assert changed == expected + "max_tokens: 7\n"
    assert fields_of(changed)["system_prompt"] == "One.\nTwo."


def test_prompts_are_blocks_and_names_are_plain() -> None:
    """So that a diff of them can be read."""
    fields = {"name": "Sales Agent", "model": "gpt-4o-mini", "system_prompt": "A.\nB.\n", "first_message": "x" * 99}

    assert yaml_text.write(fields) == (
        f"name: Sales Agent\nmodel: gpt-4o-mini\nfirst_message: |-\n  {'x' * 99}\nsystem_prompt: |\n  A.\n  B.\n"
    )


@pytest.mark.parametrize(
    "text", ["  name: x\n  model: y\n", "? name\n: x\n? model\n: y\n", "%YAML 1.1\n---\nname: x\nmodel: y\n..."]
)
def test_an_odd_layout_is_changed_all_the_same(text: str) -> None:
    """If need be by writing the whole file anew."""
    changed = yaml_text.change(yaml_text.read(text.encode(), "x.yaml"), {"model": "z", "system_prompt": "A.\nB."})

    assert fields_of(changed) == {"name": "x", "model": "z", "system_prompt": "A.\nB."}


def test_a_number_with_many_digits_is_read_again() -> None:
    fields = {"name": "x", "temperature": 0.0003331476055246086}

    assert fields_of(yaml_text.write(fields)) == fields  # type: ignore[arg-type]


@given(_FIELDS)
def test_whatever_is_written_is_read_again(fields: dict[str, object]) -> None:
    """Every text, and what follows it."""
    assert fields_of(yaml_text.write({"name": "x", **fields})) == {"name": "x", **fields}  # type: ignore[dict-item]


@given(_FIELDS, _FIELDS)
def test_whatever_is_changed_is_read_again(before: dict[str, object], changes: dict[str, object]) -> None:
    """And nothing else has changed."""
    document = yaml_text.read(yaml_text.write({"name": "x", **before}).encode(), "x.yaml")  # type: ignore[dict-item]

    assert fields_of(yaml_text.change(document, changes)) == {"name": "x", **before, **changes}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"- name", "`field: value` lines and nothing else"),
        (b"name: &a x\nmodel: *a", "line 1: a file holds"),
        (b"name: x\nmodel: *a", "line 2: a file holds"),
        (b"name: !!python/object:os.system x", "line 1: a file holds"),
        (b"name: {a: b}", "line 1: a file holds"),
        (b"{name: x}", "line 1: a file holds"),
        (b"name: [" + b"[" * 5000, "line 1: a file holds"),
        (b"name: x\n---\nname: y", "line 2: a file holds"),
        (b"? {a: b}\n: c", "line 1: a file holds"),
        (b"name: x\ntemprature: 1", "line 2: nobody knows the field 'temprature'"),
        (b"name: x\nname: y", "line 2: name is given twice"),
        (b"name: x\ntemperature: hot\nmax_tokens: 1.5\ninbound_enabled: yes", "temperature must be a number; line 3"),
        (b"name: x\nmax_tokens: '7'", "max_tokens must be a whole number"),
        (b"name: x\n  y: z: 1", "line 2"),
        (b"name: \xff", "is not UTF-8"),
        (b"name: \x00", "characters that YAML does not know"),
        (b"name: " + b"x" * MOST_FILE_BYTES, "bytes; at most"),
    ],
)
def test_what_is_no_assistant_is_refused_with_its_line(content: bytes, told: str) -> None:
    """Nothing of a file is ever constructed, repeated or executed."""
    with pytest.raises(BadFile) as raised:
        yaml_text.read(content, "x.yaml")
    assert told in str(raised.value)
    assert str(raised.value).startswith("x.yaml")


def test_every_field_but_the_template_can_be_set_by_the_api() -> None:
    """A field that the API learns has its line in a file, too."""
    from patchbay.client.records import Changes  # noqa: PLC0415 - what the client can set

    assert set(KINDS) - {TEMPLATE} == set(Changes.__annotations__)
