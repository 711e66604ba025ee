"""Into which partition a record of an export goes when it is imported, and which have no place in the new log."""

from patchbay.eventlog import Envelope, Foreign, Record
from patchbay.eventlog.identity import partition_of_key


class Placement:
    """
    Places the records of a log in one with as many partitions, or with another number of them.

    With as many, every record goes where it was: offsets are the same, but for gaps. With another number, streams go
    to the partition of their key, whole and in order, so all verdicts are the same. Two kinds of foreign records have
    no place then: manifests, which name the number, and records in a partition that was not their key's, which in that
    of their key could become events.
    """

    def __init__(self, source_partitions: int, target_partitions: int) -> None:
        self.keeps_all = source_partitions == target_partitions
        self._target_partitions = target_partitions

    def place(self, record: Record, content: Envelope | Foreign) -> int | None:
        """Return the partition for a record; None: there is none."""
        if self.keeps_all:
            return record.partition
        if isinstance(content, Foreign) and content.reason in ("manifest", "wrong_partition"):
            return None
        if record.key is None:
            return record.partition % self._target_partitions
        return partition_of_key(record.key, self._target_partitions)
