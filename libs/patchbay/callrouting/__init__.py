"""Who answers which inbound number, in memory, from the log itself."""

from patchbay.callrouting.entries import Answer, Outcome
from patchbay.callrouting.errors import CallRoutingError, MisplacedEvent, NumberTwice, SnapshotUnusable
from patchbay.callrouting.facts import (
    AssistantGone,
    Fact,
    InboundSwitched,
    NumberChanged,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
    concerns_routing,
    read_fact,
)
from patchbay.callrouting.snapshot import SNAPSHOT_TYPE
from patchbay.callrouting.subscription import CallRouting
from patchbay.callrouting.table import RoutingTable

__all__ = [
    "SNAPSHOT_TYPE",
    "Answer",
    "AssistantGone",
    "CallRouting",
    "CallRoutingError",
    "Fact",
    "InboundSwitched",
    "MisplacedEvent",
    "NumberChanged",
    "NumberFreed",
    "NumberOwned",
    "NumberTwice",
    "NumbersHeld",
    "Outcome",
    "RoutingTable",
    "SnapshotUnusable",
    "concerns_routing",
    "read_fact",
]
