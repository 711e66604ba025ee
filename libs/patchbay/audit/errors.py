"""
Why something cannot be vouched for.

AuditError
├── Damaged           an export is not what its writer wrote; says where
├── ExportUnusable    there is no export, or one of another kind, or it is not finished
├── AnchorUnusable    an anchor cannot be read, or is not signed by the key that was named
└── NotAnchored       the log is not the one that the anchor was made of: something was cut, changed or inserted
"""


class AuditError(Exception):
    """Something cannot be vouched for."""


class Damaged(AuditError):
    """An export is not what its writer wrote."""

    def __init__(self, what: str, *, file: str, line: int | None = None, at: tuple[int, int] | None = None) -> None:
        """
        Say what is wrong, and where.

        Args:
            what: One clause.
            file: Name, within the export.
            line: From 1 on; None: the file as a whole.
            at: Partition and offset, where they are known.
        """
        place = file if line is None else f"{file}, line {line}"
        if at is not None:
            place += f" (partition {at[0]}, offset {at[1]})"
        super().__init__(f"{place}: {what}")
        self.what = what
        self.file = file
        self.line = line
        self.at = at


class ExportUnusable(AuditError):
    """There is no export, or one of another kind, or it is not finished."""


class AnchorUnusable(AuditError):
    """An anchor cannot be read, or is not signed by the key that was named."""


class NotAnchored(AuditError):
    """The log is not the one that the anchor was made of."""
