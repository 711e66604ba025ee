"""How events are followed over connections that come and go."""

import json

import pytest
from tests.unit.client.faulty_api import client_of_faulty_api

from patchbay.client import Unauthorized, UnexpectedAnswer, Unreachable
from patchbay.client.frames import MOST_LINE_BYTES, Frame, Frames, FrameTooLong

START = b"retry: 1\nid: c0\n\n"


def told(number: int) -> bytes:
    """Return an event with its cursor."""
    event = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/accounts/acct_1",
        "type": "AssistantUpdated",
        "time": "2026-02-18T14:22:31.114207Z",
        "sequence": f"{number:020}",
        "partitionkey": "acct_1",
        "data": {"temperature": number},
        "news": "of a later version",
    }
    return f"id: c{number}\nevent: AssistantUpdated\ndata: {json.dumps(event)}\n\n".encode()


async def test_what_a_broken_connection_has_told_is_neither_missed_nor_told_twice() -> None:
    """An event that was cut off in its middle has not been told: it comes again."""
    async with client_of_faulty_api() as (api, client):
        api.stream(START, told(1), told(2)[:40])
        api.lose()
        api.refuse(503, "no_more_streams", {"Retry-After": "0"})
        api.stream(b": hello\n\n", told(2), told(3))
        api.stall()

        async with client.events.follow(types=["AssistantUpdated"]) as events:
            found = [await anext(events) for _ in range(3)]

        assert [event.id for event in found] == ["e1", "e2", "e3"]
        assert [event.cursor for event in found] == ["c1", "c2", "c3"]
        assert found[0].stream == "acct_1"
        assert found[0].data == {"temperature": 1}
        assert [seen.headers.get("Last-Event-ID") for seen in api.seen] == [None, "c1", "c1", "c1"]
        assert api.seen[0].path == "/api/events?accountSlug=acme&type=AssistantUpdated"


async def test_a_heartbeat_moves_the_cursor() -> None:
    """What was passed over need not be looked through again."""
    async with client_of_faulty_api() as (api, client):
        api.stream(START, told(1), b": heartbeat\nid: c9\n\n")
        api.stream(START.replace(b"c0", b"c9"), told(10))
        api.stall()

        async with client.events.follow() as events:
            await anext(events)
            await anext(events)

        assert api.seen[1].headers["Last-Event-ID"] == "c9"


async def test_it_goes_on_behind_a_cursor_that_was_kept() -> None:
    """In another process, a day later."""
    async with client_of_faulty_api() as (api, client):
        api.stream(told(8))
        api.stall()

        async with client.events.follow(after="c7", from_beginning=True) as events:
            assert (await anext(events)).id == "e8"
        assert api.seen[0].headers["Last-Event-ID"] == "c7"
        assert "from=" not in api.seen[0].path


async def test_silence_is_a_broken_connection() -> None:
    """The other end may be gone without a word."""
    async with client_of_faulty_api() as (api, client):
        api.stall()
        api.stream(START, told(1))
        api.stall()

        async with client.events.follow(silence_seconds=0.05) as events:
            assert (await anext(events)).id == "e1"


async def test_a_refusal_ends_it_and_so_does_an_api_that_stays_away() -> None:
    """Nobody waits for a key that was revoked; and for an API only so long."""
    async with client_of_faulty_api() as (api, client):
        api.refuse(401, "unauthorized")
        with pytest.raises(Unauthorized):
            async with client.events.follow():
                pass
        api.deeds.clear()
        api.lose()
        with pytest.raises(Unreachable, match="Nobody told the events"):
            async with client.events.follow(give_up_seconds=0.05):
                pass
        api.deeds.clear()
        api.stream(START, b"data: {}\n\n")
        with pytest.raises(UnexpectedAnswer):
            async with client.events.follow() as events:
                await anext(events)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_are_the_same_however_they_are_cut(size: int) -> None:
    """TCP cuts anywhere, inside a character too."""
    text = ": hé\n\nid: 1\nevent: x\ndata: {\ndata: }\n\r\nretry: 5\n\nid: 2\n".encode()
    frames = Frames()

    found = [frame for at in range(0, len(text), size) for frame in frames.feed(text[at : at + size])]

    assert found == [Frame("1", "{\n}", ""), Frame("", "", "5")]


def test_a_line_without_an_end_is_not_kept() -> None:
    """Memory is not the other side's."""
    frames = Frames()
    with pytest.raises(FrameTooLong):
        frames.feed(b"data: " + b"x" * MOST_LINE_BYTES)
