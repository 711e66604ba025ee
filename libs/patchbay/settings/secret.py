"""Texts that settings are made of: those of a process's own types, and those that hide themselves."""


class FromText:
    """A type of settings of a process's own: made from the variable's text; raises ValueError for a bad one."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        """Read the text."""


class Secret(str, FromText):
    """A text that hides itself from `repr`, `str` and f-strings; `reveal()` gives it away."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return format("***", format_spec)

    def reveal(self) -> str:
        """Return the text itself, as a plain `str`."""
        return "".join(self)
