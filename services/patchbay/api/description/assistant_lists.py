"""GET /api/assistants, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.assistants import example_of_assistant
from patchbay.api.description.operation import Key, Operation, Parameter, Schema
from patchbay.api.description.schemas import page_of, ref
from patchbay.api.description.values import NUMBER, OF_ACCOUNT, TIME
from patchbay.api.handlers.assistant_lists import DEFAULT_SORT, filter_rules
from patchbay.assistants import rejections
from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.described import schema_of
from patchbay.assistants.fields import NAME_CHARACTERS

_WORDS: Final = {
    "q": "Part of the name, whatever its case; or an assistant's id.",
    "type": "Made from this template.",
    "provider": "Whose language model it speaks with.",
    "model": "Which language model it speaks with: with `provider`, all that breaks when a model is shut down.",
    "voice_provider": "Whose voice it has.",
    "transcriptor_provider": "Who listens for it.",
    "inbound_enabled": "Answers calls, or does not.",
    "phone_number_id": "Has this phone number.",
    "updated_since": "Changed at this time or later.",
    "sort": "What the list is sorted by; with `-` before it from the end.",
}
_EXAMPLES: Final = {
    "q": "sales",
    "model": "gpt-5",
    "provider": "openai",
    "phone_number_id": NUMBER,
    "updated_since": TIME,
}
_OWN_SCHEMAS: Final[Mapping[str, Schema]] = {
    "q": {"type": "string", "maxLength": NAME_CHARACTERS, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$"},
    "updated_since": {"type": "string", "format": "date-time"},
}


def _parameter(name: str) -> Parameter:
    schema = _OWN_SCHEMAS.get(name) or schema_of(filter_rules(shipped_catalogue())[name])
    default = {"default": DEFAULT_SORT} if name == "sort" else {}
    return Parameter(words=_WORDS[name], schema={**schema, **default}, example=_EXAMPLES.get(name))


TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/assistants"): Operation(
        tag="Assistants",
        name="listAssistants",
        summary="List the account's assistants",
        words=(
            "Filters are joined by 'and'. A cursor leads on in the same list only: with the same filters and the same "
            "order. An assistant that does not change meanwhile is shown exactly once."
        ),
        query={**OF_ACCOUNT, **{name: _parameter(name) for name in filter_rules(shipped_catalogue())}},
        answer=page_of("assistants", ref("Assistant"), example_of_assistant()),
        answer_words="One page; shorter than `limit` at the end, and where records are very long.",
        failures=(errors.OtherAccount, rejections.AccountNotOpened),
    ),
}
