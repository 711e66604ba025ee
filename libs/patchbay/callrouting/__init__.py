"""Who answers which inbound number, in memory, from the log itself."""

from patchbay.callrouting.errors import CallRoutingError, MisplacedEvent
from patchbay.callrouting.facts import (
    Fact,
    InboundSwitched,
    NumberChanged,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
    read_fact,
)
from patchbay.callrouting.subscription import CallRouting
from patchbay.callrouting.table import Answer, Outcome, RoutingTable

__all__ = [
    "Answer",
    "CallRouting",
    "CallRoutingError",
    "Fact",
    "InboundSwitched",
    "MisplacedEvent",
    "NumberChanged",
    "NumberFreed",
    "NumberOwned",
    "NumbersHeld",
    "Outcome",
    "RoutingTable",
    "read_fact",
]
