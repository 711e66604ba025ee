"""What happened to a phone number, each account's own part; and who would have answered then."""

from typing import Any

from tests.contract.api.service import Caller, Reply, Service, fresh_number


async def history_of(caller: Caller, number: Any, query: str = "") -> Any:
    """Return what happened to the number, the newest first."""
    reply = await caller.send("GET", f"/api/phone-numbers/{number['id']}/history{query}")
    assert reply.status == 200, reply.body
    return reply.json["history"]


async def change(caller: Caller, number: Any, **fields: object) -> None:
    """Change what becomes of its calls."""
    body = {"accountSlug": "my-team", **fields}
    assert (await caller.send("PATCH", f"/api/phone-numbers/{number['id']}", body)).status == 200


async def release(caller: Caller, number: Any) -> None:
    """Release it."""
    assert (await caller.send("DELETE", f"/api/phone-numbers/{number['id']}")).status == 200


async def look_up(caller: Caller, number: Any, query: str = "") -> Reply:
    """Ask who answers."""
    return await caller.send("GET", f"/api/routing/inbound/{number['phone_number']}{query}")


async def test_everything_that_happens_to_a_number_is_told(service: Service) -> None:
    own = service.own
    one, two, other = await own.create(), await own.create(), await own.register()
    number = await own.register()
    await change(own, number, fallback="+4930999999")
    await own.assign(one["id"], number["id"])
    await own.assign(one["id"], number["id"], other["id"])  # changes nothing of this number
    await own.assign(two["id"], number["id"], reassign=True)
    await change(service.operator, number, status="suspended", fallback=None)
    await own.send("DELETE", f"/api/assistants/{two['id']}")
    await release(own, number)
    found = list(reversed(await history_of(own, number)))

    assert [(h["change"], h["type"], h["previous_assistant_id"], h["assistant_id"]) for h in found] == [
        ("registered", "NumberRegistered", None, None),
        ("changed", "NumberUpdated", None, None),
        ("assigned", "NumbersAssigned", None, one["id"]),
        ("assigned", "NumbersAssigned", one["id"], two["id"]),
        ("changed", "NumberUpdated", None, None),
        ("unassigned", "AssistantDeleted", two["id"], None),
        ("released", "NumberReleased", None, None),
    ]
    assert [h["changes"] for h in found if h["changes"]] == [
        {"fallback": "+4930999999"},
        {"fallback": None, "status": "suspended"},
    ]
    assert {h["account_id"] for h in found} == {number["account_id"]}
    assert found[0]["time"] == number["created_at"]
    assert [h["time"] for h in found] == sorted(h["time"] for h in found)
    assert all(h["actor"] and h["command_id"] for h in found)
    assert [h["change"] for h in await history_of(own, other)] == ["assigned", "registered"]


async def test_pages_of_a_history_join_without_a_gap(service: Service) -> None:
    number, assistant = await service.own.register(), await service.own.create()
    for fallback in ("+4930111111", "+4930222222", "+4930333333"):
        await change(service.own, number, fallback=fallback)
        await service.own.assign(assistant["id"], number["id"])
        await service.own.assign(assistant["id"])
    whole = await history_of(service.own, number)
    found, cursor = [], ""
    while True:
        path = f"/api/phone-numbers/{number['id']}/history?limit=3{cursor}"
        page = (await service.own.send("GET", path)).json
        found += page["history"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert len(whole) == 10
    assert found == whole
    assert await history_of(service.own, number, "?offset=4&limit=2") == whole[4:6]
    assert await history_of(service.operator, number) == whole


async def test_an_account_sees_its_own_part_only(service: Service) -> None:
    """Of a number that went from one account to another and back; operators see all."""
    number = await service.own.register()
    await release(service.own, number)
    await service.other.register(number["phone_number"])
    theirs = (await service.other.create())["id"]
    await service.other.assign(theirs, number["id"])
    foreign = await history_of(service.own, number)
    await release(service.other, number)
    await service.own.register(number["phone_number"])
    own = await history_of(service.own, number)
    other = await history_of(service.other, number)
    everything = await history_of(service.operator, number)

    assert [h["change"] for h in foreign] == ["released", "registered"]
    assert [h["change"] for h in own] == ["registered", "released", "registered"]
    assert [h["change"] for h in other] == ["released", "unassigned", "assigned", "registered"]
    assert everything == sorted([*own, *other], key=lambda h: str(h["time"]), reverse=True)


async def test_the_history_of_a_number_that_was_never_the_account_s_is_refused(service: Service) -> None:
    number = await service.other.register()
    path = f"/api/phone-numbers/{number['id']}/history"
    theirs = await service.own.send("GET", path)
    await release(service.other, number)
    nobody_s = await service.own.send("GET", path)
    unknown = [
        await caller.send("GET", f"/api/phone-numbers/{number_id}/history")
        for caller in (service.own, service.operator)
        for number_id in ("pn_7zzzzzzzzzzzzzzzzzzzzzzzzz", "pn_x", "%00")
    ]
    cursors = ("bm90IG91cnM", "WyIiLCIiLDBd", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwLjAwMDAwMFoiLCJcdTAwMDAiLDFd")
    wrong = [await service.other.send("GET", f"{path}?cursor={cursor}") for cursor in cursors]

    assert (theirs.status, theirs.code) == (403, "other_account")
    assert (nobody_s.status, nobody_s.code) == (404, "not_found")
    assert {reply.status for reply in unknown} == {404}
    assert [reply.issues for reply in wrong] == [{("cursor", "malformed")}] * 3


async def test_the_past_is_answered_as_it_was_answered_then(service: Service) -> None:
    """By the times of the events, with the configuration of then; and in the present as without a time."""
    own = service.own
    number, assistant = await own.register(), await own.create(inbound_enabled=True)
    answers: list[tuple[str, bytes]] = [(number["created_at"], (await look_up(own, number)).body)]

    async def then(reply: Reply, record: str) -> None:
        assert reply.status == 200, reply.body
        answers.append((reply.json[record]["updated_at"], (await look_up(own, number)).body))

    path, body = f"/api/phone-numbers/{number['id']}", {"accountSlug": "my-team"}
    await then(await own.send("PATCH", path, body | {"fallback": "+4930999999"}), "phone_number")
    await then(await own.assign(assistant["id"], number["id"]), "assistant")
    await then(await own.patch(assistant["id"], system_prompt="Something else"), "assistant")
    await then(await service.operator.send("PATCH", path, body | {"status": "suspended"}), "phone_number")
    await then(await own.patch(assistant["id"], inbound_enabled=False), "assistant")
    await then(await service.operator.send("PATCH", path, body | {"status": "active"}), "phone_number")
    await then(await own.patch(assistant["id"], inbound_enabled=True), "assistant")
    await then(await own.assign(assistant["id"]), "assistant")
    await release(own, number)
    for time, answer in answers:
        for caller in (own, service.operator):
            assert (await look_up(caller, number, f"?at={time}")).body == answer
        stranger = (await look_up(service.other, number, f"?at={time}")).json
        assert (stranger["outcome"], stranger["assistant"]) == ("unknown_number", None)
    assert len({answer for _, answer in answers}) == 7
    now = (await history_of(own, number))[0]["time"]
    assert (await look_up(own, number, f"?at={now}")).body == (await look_up(own, number)).body


async def test_a_number_that_is_registered_again_does_not_come_back_to_its_assistant(service: Service) -> None:
    """Not in the past either."""
    own = service.own
    number, assistant = await own.register(), await own.create(inbound_enabled=True)
    assigned = (await own.assign(assistant["id"], number["id"])).json["assistant"]["updated_at"]
    await release(own, number)
    again = await own.register(number["phone_number"])

    assert (await look_up(own, number, f"?at={assigned}")).json["outcome"] == "routed"
    assert (await look_up(own, number, f"?at={again['created_at']}")).json["outcome"] == "unassigned"


async def test_moments_that_the_log_cannot_tell_of_are_refused(service: Service) -> None:
    number, nobody_s = await service.own.register(), {"phone_number": fresh_number()}
    wrong = {
        "": "invalid_time",
        "7": "invalid_time",
        "2999-01-01T00:00:00Z": "in_the_future",
        "1999-01-01T00:00:00Z": "before_the_log",
    }
    for one in (number, nobody_s):
        for text, code in wrong.items():
            assert (await look_up(service.own, one, f"?at={text}")).issues == {("at", code)}, text
    before = (await service.other.register())["created_at"]
    later = await service.own.register()

    assert (await look_up(service.own, later, f"?at={before}")).json["outcome"] == "unknown_number"
    assert (await look_up(service.own, nobody_s, f"?at={before}")).json["outcome"] == "unknown_number"
