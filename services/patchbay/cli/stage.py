"""How a walk-through is shown: numbered scenes with requests, answers and records, for people or for programs."""

import http.client
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from patchbay.cli.calling import Answer, Body
from patchbay.cli.showing import as_json, clean, cut

_SHOWN_HEADERS: Final = ("etag", "location", "patchbay-position")
_VALUE_CHARACTERS: Final = 70
_TELLING: Final = ("id", "name", "inbound_enabled", "phone_number_ids", "version")
_NEVER_CUT: Final = ("error", "message")


Shown = Literal["whole", "in part", "status"]  # how much of an answer people see


class Stage(Protocol):
    """Where a walk-through is shown."""

    def scene(self, title: str, remark: str = "") -> None:
        """Begin the next part."""

    def exchange(self, method: str, path: str, asked: "Asked", answer: Answer) -> None:
        """Show one exchange with the API."""

    def facts(self, title: str, facts: Mapping[str, Any]) -> None:
        """Show names with their values."""


class Asked(msgspec.Struct, frozen=True):
    """What a request said beside its method and path."""

    body: Body | None = None
    headers: Mapping[str, str] = {}
    shown: Shown = "whole"


class Terminal:
    """Shows it to people."""

    def __init__(self) -> None:
        self._number = 0

    def scene(self, title: str, remark: str = "") -> None:
        """Begin the next part."""
        self._number += 1
        print(f"\n── {self._number}. {title}")
        if remark:
            print(f"   {remark}")

    def exchange(self, method: str, path: str, asked: Asked, answer: Answer) -> None:
        """Show one exchange with the API, texts cut."""
        print(f"\n   {method} {path}")
        for name, value in asked.headers.items():
            print(f"   {name}: {value}")
        if asked.body is not None:
            print(f"   {as_json(asked.body)}")
        print(f"\n   → {answer.status} {answer.reason or http.client.responses.get(answer.status, '')}")
        for name in _SHOWN_HEADERS:
            if name in answer.headers:
                print(f"     {name}: {cut(answer.headers[name], _VALUE_CHARACTERS)}")
        if answer.content and asked.shown != "status":
            print(_indented(_in_part(answer.body) if asked.shown == "in part" else answer.body))

    def facts(self, title: str, facts: Mapping[str, Any]) -> None:
        """Show names with their values, cut."""
        print(f"\n   {title}")
        width = max(len(name) for name in facts)
        for name, value in facts.items():
            print(f"     {name:<{width}}  {clean(cut('-' if value is None else str(value), 2 * _VALUE_CHARACTERS))}")


class Lines:
    """Shows it to programs: one JSON object a line, nothing cut."""

    def __init__(self) -> None:
        self._title = ""

    def scene(self, title: str, remark: str = "") -> None:  # noqa: ARG002 - a program needs no remarks
        """Remember the part that what follows belongs to."""
        self._title = title

    def exchange(self, method: str, path: str, asked: Asked, answer: Answer) -> None:
        """Show one exchange with the API."""
        shown = {
            "scene": self._title,
            "request": {"method": method, "path": path, "headers": dict(asked.headers), "body": asked.body},
            "answer": {
                "status": answer.status,
                "headers": dict(answer.headers),
                "body": answer.body if answer.content else None,
            },
        }
        print(as_json(shown))

    def facts(self, title: str, facts: Mapping[str, Any]) -> None:
        """Show names with their values."""
        print(as_json({"scene": self._title, "title": title, "facts": dict(facts)}))


def _in_part(body: Body) -> Body:
    assistant = body.get("assistant")
    if not isinstance(assistant, dict):
        return body
    return {**body, "assistant": {name: assistant[name] for name in _TELLING if name in assistant} | {"…": "…"}}


def _indented(body: Body) -> str:
    text = msgspec.json.format(msgspec.json.encode(_shortened(body)), indent=2).decode()
    return "\n".join(f"     {line}" for line in text.splitlines())


def _shortened(value: object) -> object:
    if isinstance(value, str):
        return cut(value, _VALUE_CHARACTERS)
    if isinstance(value, dict):
        return {name: member if name in _NEVER_CUT else _shortened(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
