"""
What can go wrong in the domain beside a rejection.

DomainError
├── UnknownEventType   an event of a type or version that this code does not know
├── MalformedEvent     an event whose data is not what its type says
├── UnfoldableEvent    an event that does not fit the state it is folded into
├── PartNotLoaded      `decide` was not given a part that it reads: a mistake of the caller
├── BadCatalogue       a catalogue file that cannot be used
├── MalformedJson      a request body that is not one JSON object
└── InvalidBody        a request body that is wrong whatever the state, with every issue

Rejections (`rejections.py`) are answers, not errors: the domain said no.
"""

import msgspec


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request body, or worth a warning."""

    path: str  # of the field, e.g. `temperature` or `phoneNumberIds[2]`
    code: str  # stable, snake_case
    message: str  # a sentence for people


class DomainError(Exception):
    """The root of this tree."""


class UnknownEventType(DomainError):
    """An event of a type or a version that this code does not know."""

    def __init__(self, type_name: str, dataschema: str | None) -> None:
        super().__init__(f"event type {type_name!r} with schema {dataschema!r} is not known to this version")
        self.type_name = type_name
        self.dataschema = dataschema


class MalformedEvent(DomainError):
    """The data of an event is not what its type says."""

    def __init__(self, type_name: str, detail: str) -> None:
        super().__init__(f"the data of an event {type_name!r} cannot be read: {detail}")
        self.type_name = type_name
        self.detail = detail


class UnfoldableEvent(DomainError):
    """An event does not fit the state that it is folded into."""

    def __init__(self, type_name: str, subject: str, detail: str) -> None:
        super().__init__(f"an event {type_name!r} about {subject!r} cannot be folded: {detail}")
        self.type_name = type_name
        self.subject = subject
        self.detail = detail


class PartNotLoaded(DomainError):
    """A part of the state that a decision reads was not loaded."""

    def __init__(self, part: str, key: str) -> None:
        super().__init__(f"{part} {key!r} was not loaded before deciding")
        self.part = part
        self.key = key


class BadCatalogue(DomainError):
    """A catalogue file cannot be used."""


class MalformedJson(DomainError):
    """A request body is not one JSON object that can be trusted."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # stable, snake_case
        self.sentence = sentence


class InvalidBody(DomainError):
    """A request body is wrong whatever the state."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        first = issues[0]
        more = "" if len(issues) == 1 else f" (and {len(issues) - 1} more)"
        super().__init__(f"{first.path}: {first.message}{more}")
        self.issues = issues  # every one, never empty
