"""Which statement does what: each text of the product is registered with what it does."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.simulation.database.tables import Access, Row, rows_named

Work = Callable[..., Sequence[Any]]

LIVE = ("live_read_model", "live_routing")
LOCKING: set[str] = set()  # templates whose rows are locked until the transaction's end
KNOWN: dict[str, Work] = {}  # by text, with `{read_model}` and `{routing}` for the generations


def reads(*texts: str) -> Callable[[Work], Work]:
    def register(work: Work) -> Work:
        for text in texts:
            KNOWN[text] = work
        return work

    return register


def of_projection(text: str, *, locks: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what a statement of either projection does; `{schema}` stands for its generation."""

    def register(work: Callable[..., Any]) -> Callable[..., Any]:
        for own in ("read_model", "routing"):
            template = text.replace("{schema}", f"{{{own}}}")
            KNOWN[template] = lambda at, *arguments, own=own: work(at, own, *arguments)
            if locks:
                LOCKING.add(template)
        return work

    return register


def beside_pointers(at: Access, make: Callable[[Iterable[Any]], Row], found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Return the rows beside both pointers; where there are none, one of nulls."""
    pointers = (at.live("read_model"), at.live("routing"))
    rows = [make((*pointers, *row)) for row in found]
    return rows or [make((*pointers, *[None] * (len(make(()).names) - 2)))]


def named(*names: str) -> Callable[[Iterable[Any]], Row]:
    return rows_named(*LIVE, *names)


ONE = rows_named("value")
