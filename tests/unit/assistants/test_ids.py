"""What an id looks like, and which follow from a name."""

import uuid

import pytest
from typeid import TypeID

from patchbay.assistants import ids

LOG = "0123456789abcdef" * 4


def test_derived_ids_are_the_same_for_ever() -> None:
    assert ids.account_id("a" * 64, "my-team") == "acct_267cs1k1y9h1trgphamv0ts76q"
    assert ids.number_id("a" * 64, "+14155550100") == "pn_13amk3t36xh2r908dfeky5gqj8"
    assert ids.operators_id("a" * 64) == "oper_7x054f8k2rh4j8j7yby73bvn5s"


def test_derived_ids_are_typeids_of_uuid_version_8() -> None:
    for text in (ids.account_id(LOG, "my-team"), ids.number_id(LOG, "+14155550100"), ids.operators_id(LOG)):
        value = uuid.UUID(bytes=TypeID.from_string(text).uuid.bytes)

        assert (value.version, value.variant) == (8, uuid.RFC_4122)
        assert ids.kind_of(text) == text.partition("_")[0]


def test_another_log_or_name_gives_another_id() -> None:
    assert ids.account_id(LOG, "my-team") != ids.account_id("a" * 64, "my-team")
    assert ids.account_id(LOG, "my-team") != ids.account_id(LOG, "my-team-2")
    assert ids.account_id(LOG, "x")[5:] != ids.number_id(LOG, "x")[3:]


def test_a_minted_id_is_written_as_the_library_writes_it() -> None:
    value = uuid.UUID("01952f3c-6f2a-7b1c-8d3e-4f5a6b7c8d9e")

    assert ids.typeid(ids.ASSISTANT, value) == str(TypeID.from_string(ids.typeid(ids.ASSISTANT, value)))
    assert ids.is_id(ids.ASSISTANT, ids.typeid(ids.ASSISTANT, value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "asst_",
        "asst",
        "01jm0000000000000000000001",
        "acct_01jm0000000000000000000001",
        "asst_01jm000000000000000000000",
        "asst_01jm00000000000000000000011",
        "asst_81jm0000000000000000000001",
        "asst_01jm000000000000000000000u",
        "asst_01JM0000000000000000000001",
        "asst_01jm0000000000000000000001\n",
        "asst_01jm000000000000000000000é",
    ],
)
def test_what_is_no_assistant_id_is_told(text: str) -> None:
    assert not ids.is_id(ids.ASSISTANT, text)


def test_the_kind_of_something_else_is_none() -> None:
    assert ids.kind_of("user_01jm0000000000000000000001") is None
    assert ids.kind_of("asst_nonsense") is None


def test_a_source_names_the_kind_and_the_stream() -> None:
    assert ids.source_of("acct_x") == "/accounts/acct_x"
    assert ids.source_of("pn_x") == "/numbers/pn_x"
    assert ids.source_of("oper_x") == "/operators/oper_x"
    with pytest.raises(ValueError, match="not the id of a stream"):
        ids.source_of("asst_x")
