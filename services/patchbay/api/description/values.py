"""The kinds of values that records, parameters and header fields share: what they look like, with a real one each."""

from typing import Final

from patchbay.api.description.operation import Parameter, Schema
from patchbay.assistants import ids
from patchbay.assistants.described import schema_of
from patchbay.assistants.fields import slug

ACCOUNT_SLUG: Final = "The account that it is for: the key's own; an operator's key may name any."  # in words
TIME: Final = "2026-02-18T14:22:31.114207Z"
ASSISTANT: Final = "asst_01khrj346afabr24pa3eywnyp2"
ACCOUNT: Final = "acct_2ncsmf3y4xgm790svk6zs5v4r0"
NUMBER: Final = "pn_2hq3cv803xgbr82p6eg0wey12p"
KEY: Final = "key_01khrhygm0e9a86ad9518fdn9s"
E164: Final = "+14155550100"

_TIME_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$"


def id_of(prefix: str, example: str) -> Schema:
    """Return the schema of an id of the kind `prefix`."""
    return {"type": "string", "pattern": f"^{ids.shape_of(prefix)}$", "examples": [example]}


def or_null(schema: Schema) -> Schema:
    """Return the schema that takes `null` too."""
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **choices}


ASSISTANT_ID: Final = id_of(ids.ASSISTANT, ASSISTANT)
ACCOUNT_ID: Final = id_of(ids.ACCOUNT, ACCOUNT)
NUMBER_ID: Final = id_of(ids.NUMBER, NUMBER)
KEY_ID: Final = id_of(ids.KEY, KEY)
PHONE_NUMBER: Final[Schema] = {"type": "string", "pattern": "^\\+[1-9][0-9]{3,16}$", "examples": [E164]}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time", "pattern": _TIME_PATTERN, "examples": [TIME]}
FALLBACK: Final[Schema] = {
    "type": ["string", "null"],
    "examples": [E164, "sip:desk@pbx.example.com;transport=tls"],
}
TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
# What was given out by Patchbay and means something to it alone.
COMMAND_TOKEN: Final[Schema] = {"type": "string", "minLength": 1, "format": "command"}
POSITION_TOKEN: Final[Schema] = {"type": "string", "minLength": 1, "format": "position"}
EVENT_ID: Final[Schema] = {"type": "string", "minLength": 1, "format": "event-id"}
CURSOR: Final[Schema] = {"type": "string", "minLength": 1, "format": "cursor"}

ASSISTANT_PATH: Final = {"assistantId": Parameter(words="The assistant.", schema=ASSISTANT_ID, example=ASSISTANT)}
NUMBER_PATH: Final = {"id": Parameter(words="The phone number's id.", schema=NUMBER_ID, example=NUMBER)}
KEY_PATH: Final = {"id": Parameter(words="The key's id, not its secret.", schema=KEY_ID, example=KEY)}
OF_ACCOUNT: Final = {
    "accountSlug": Parameter(
        words="Whose. Without it the key's own account; an operator's key must name one.",
        schema=schema_of(slug),
        example="my-team",
    )
}
