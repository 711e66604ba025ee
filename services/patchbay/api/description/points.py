"""Points in the past that can be asked for, in words."""

from typing import Final

from patchbay.api.description.operation import Parameter, Schema
from patchbay.api.description.values import TIME

POINT: Final[Schema] = {
    "type": "string",
    "format": "point",
    "pattern": "^([1-9][0-9]{0,8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T.+)$",
}
AT_OF_ASSISTANT: Final = Parameter(
    words="As it was at this version, or at this time; the time of an event includes the event.",
    schema=POINT,
    example=TIME,
)
AT_OF_NUMBER: Final = Parameter(
    words=(
        "As it would have been answered at this time. Every stream counts up to and with its last event by then: the "
        "number's own, and its account's."
    ),
    schema={"type": "string", "format": "date-time"},
    example=TIME,
)
