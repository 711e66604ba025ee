"""
What can go wrong with the log.

EventLogError
├── AppendError
│   ├── NotSent             nothing of it left this process
│   │   └── RecordTooLarge  it never would have been taken
│   └── OutcomeUnknown      it may be in the log, may land later, or never
├── ReadError
│   ├── LogTruncated        the log ends before the position that was read already
│   ├── LogRecreated        the log holds something else at a position that was read already
│   └── LogDamaged          what lies on the broker's disk is not what it once wrote there
├── TopicError
│   ├── TopicMissing        there is no such topic, and nobody asked for one
│   │   └── ManifestsMissing  there is one, and nobody has made it a log yet
│   ├── NotALog             the topic does not start with a manifest
│   └── LogMismatch         manifests, partitions and settings contradict one another
└── LogUnavailable          the brokers did not answer within the bound
    └── LogRefused          they do not let this process do it: its certificate, its login or its rights
"""

from patchbay.settings.errors import Refused


class EventLogError(Exception):
    """Any failure of the log that a caller may meet."""


class AppendError(EventLogError):
    """An append was not acknowledged."""


class NotSent(AppendError):
    """Nothing of the append left this process, and nothing of it ever will."""

    def __init__(self, reason: str) -> None:
        """`reason` is stable snake_case: stale_session, brake, queue_full, timeout, session_ended, closed or alike."""
        super().__init__(f"nothing was sent: {reason}")
        self.reason = reason


class RecordTooLarge(NotSent):
    """The record is larger than the log takes; the broker was not asked, since its refusal ends the session."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__("too_large")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class OutcomeUnknown(AppendError):
    """The append was handed to the broker, or may have been; it may land at any time, or never."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the outcome is unknown: {reason}")
        self.reason = reason


class ReadError(EventLogError):
    """What was read before is not what the log holds now."""

    def __init__(self, message: str, *, partition: int, position: int) -> None:
        """`position` is the next offset that was to be read."""
        super().__init__(message)
        self.partition = partition
        self.position = position


class LogTruncated(ReadError):
    """The log ends before a position that was read already: acknowledged records are gone."""


class LogRecreated(ReadError):
    """The log holds another record at a position that was read already, or is another log altogether."""


class LogDamaged(ReadError):
    """Bytes of a partition are not those that the broker once wrote: its own checksum does not fit them."""


class TopicError(EventLogError):
    """The topic cannot be used as a log."""

    def __init__(self, topic: str, message: str) -> None:
        super().__init__(message)
        self.topic = topic


class TopicMissing(TopicError):
    """There is no topic of this name."""


class ManifestsMissing(TopicMissing):
    """The topic is there, and some of its partitions are empty: nobody has made it a log yet, or it is not ours."""


class NotALog(TopicError):
    """A partition does not start with a manifest: the topic belongs to something else."""


class LogMismatch(TopicError):
    """The manifests contradict one another or the topic itself."""


class LogUnavailable(EventLogError):
    """The brokers did not answer within the bound; nothing is known about the log."""


class LogRefused(LogUnavailable, Refused):
    """The brokers do not let this process do it; at its start that is a mistake, which waiting does not mend."""
