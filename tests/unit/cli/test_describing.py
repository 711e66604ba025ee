"""What an event changed, in one line that people can read and a terminal can trust."""

import pytest
from tests.unit.assistants.builders import ACCOUNT, ALICE, BOB, KEY, ONE, TWO, created, opened

from patchbay.assistants.codec import encode_event
from patchbay.assistants.events import (
    AssignedNumber,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
    StreamMended,
)
from patchbay.cli.describing import Style, describe
from patchbay.cli.showing import clean, cut, quoted, short_id
from patchbay.eventlog import Base, Envelope


def envelope_of(event: Event) -> Envelope:
    type_, dataschema, affects, value = encode_event(event)
    return envelope(type_, dataschema, value, affects)


def envelope(type_: str, dataschema: str, value: bytes, affects: tuple[str, ...] = ()) -> Envelope:
    return Envelope(
        stream=ACCOUNT,
        height=1,
        predecessor="0" * 64,
        base=Base(0, "0" * 64),
        digest="1" * 64,
        id="id",
        type=type_,
        source=f"/accounts/{ACCOUNT}",
        subject=None,
        time="2026-02-18T14:22:31.114207Z",
        dataschema=dataschema,
        actor=KEY,
        command_id=None,
        request_digest=None,
        affects=affects,
        mends=None,
        reason=None,
        traceparent=None,
        value=value,
        headers=(),
    )


def assigned(*numbers: str, taken_from: tuple[str, ...] = ()) -> NumbersAssigned:
    listed = tuple(AssignedNumber(number_id=number, registration=1) for number in numbers)
    return NumbersAssigned(assistant_id=ALICE, numbers=listed, taken_from=taken_from)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (opened(), 'my-team "My Team"'),
        (
            KeyIssued(
                key_id=KEY, account_id=ACCOUNT, name="crm", secret_sha256="0" * 64, hint="tk_live_Ab3d", scopes=("*",)
            ),
            'key_…000001 "crm" tk_live_Ab3d… account\'s: *, no limit',
        ),
        (KeyRevoked(key_id=KEY), "key_…000001"),
        (
            created(inbound_enabled=True),
            (
                'asst_…000001 "Assistant 1" from custom: openai/gpt-6-luna, voice cartesia/Katie, deepgram/en-US, '
                "inbound enabled"
            ),
        ),
        (
            AssistantUpdated(assistant_id=ALICE, temperature=0.3, first_message=None, inbound_enabled=True, name="Al"),
            'asst_…000001 name="Al" temperature=0.3 first_message=null inbound_enabled=true',
        ),
        (assigned(ONE), f"asst_…000001 has pn_…{ONE[-6:]}"),
        (assigned(), "asst_…000001 has no numbers"),
        (assigned(TWO, taken_from=(BOB,)), f"asst_…000001 has pn_…{TWO[-6:]}, taken from asst_…000002"),
        (assigned(*[ONE] * 5), f"asst_…000001 has {', '.join([f'pn_…{ONE[-6:]}'] * 3)} and 2 more"),
        (
            NumberRegistered(number_id=ONE, phone_number="+14155550101", account_id=ACCOUNT),
            f"+14155550101 for acct_…{ACCOUNT[-6:]}",
        ),
        (NumberReleased(number_id=ONE, account_id=ACCOUNT), f"pn_…{ONE[-6:]} by acct_…{ACCOUNT[-6:]}"),
        (
            NumberUpdated(number_id=ONE, status="suspended", fallback="+14155550199"),
            f"pn_…{ONE[-6:]} status=suspended fallback=+14155550199",
        ),
        (NumberUpdated(number_id=ONE, fallback=None), f"pn_…{ONE[-6:]} fallback=null"),
        (StreamMended(stream=ACCOUNT, reason="forged"), f'acct_…{ACCOUNT[-6:]}: "forged"'),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_each_event_reads_as_what_it_changed(event: Event, line: str) -> None:
    """One line, ids by their ends, texts in quotes."""
    assert describe(envelope_of(event), Style()) == line


def test_a_long_text_is_cut_unless_all_is_wanted() -> None:
    """A system prompt may have 60,000 characters."""
    event = envelope_of(AssistantUpdated(assistant_id=ALICE, system_prompt="x" * 500))

    assert describe(event, Style()).endswith("x" * 59 + '…"')
    assert describe(event, Style(is_full=True)) == f'{ALICE} system_prompt="{"x" * 500}"'


def test_an_event_of_a_later_version_shows_its_json() -> None:
    """A tail never ends because somebody was faster with an update."""
    assert describe(envelope("CallRouted", "urn:patchbay:CallRouted:1", b'{"a":1}'), Style()) == '"{"a":1}"'
    assert (
        describe(envelope("KeyRevoked", "urn:patchbay:KeyRevoked:1", b"\xff\n"), Style())
        == '"\N{REPLACEMENT CHARACTER}\\n"'
    )


def test_no_text_can_move_the_cursor_or_turn_the_line_round() -> None:
    """What others wrote is shown, not obeyed."""
    assert quoted("a\x1b[2Jb\nc\u202ed") == '"a\\x1b[2Jb\\nc\\u202ed"'
    assert clean("\ud800") == "\\ud800"
    assert clean("Zoë 😀") == "Zoë 😀"


def test_only_ids_are_shortened() -> None:
    """By their last characters: those that were made together begin alike."""
    assert short_id(ALICE) == "asst_…000001"
    assert short_id("operator") == "operator"
    assert short_id("a_b") == "a_b"
    assert cut("abc", 3) == "abc"
