"""
What can go wrong while the log is folded into a routing table.

CallRoutingError
├── MisplacedEvent    an event stands in a stream that it cannot be about
├── NumberTwice       two streams claim to be about one phone number
└── SnapshotUnusable  the table cannot start from this snapshot
"""


class CallRoutingError(Exception):
    """The root of this tree."""


class MisplacedEvent(CallRoutingError):
    """An event stands in a stream that it cannot be about."""

    def __init__(self, type_name: str, stream: str) -> None:
        super().__init__(f"an event {type_name!r} does not fit stream {stream!r}")
        self.type_name = type_name
        self.stream = stream


class NumberTwice(CallRoutingError):
    """Two streams claim to be about one phone number."""

    def __init__(self, number_id: str, other_id: str) -> None:
        super().__init__(f"{number_id} registers the phone number of {other_id}")
        self.number_id = number_id
        self.other_id = other_id


class SnapshotUnusable(CallRoutingError):
    """A snapshot could not be fetched, broke off, or is of another log."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the snapshot is of no use: {reason}")
        self.reason = reason
