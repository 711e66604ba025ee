"""Which path and method is whose: one table, and the search in it."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote

import msgspec

from patchbay.api.dry_runs import DRY_RUN
from patchbay.api.errors import MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from patchbay.api.exchange import Exchange
    from patchbay.api.wire import Answer

Handler: TypeAlias = "Callable[[Exchange], Awaitable[Answer]]"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: what it takes to be allowed to, and who answers."""

    method: str
    path: str  # "{name}" stands for one segment
    handler: Handler
    scope: str = ""
    operators_only: bool = False
    public: bool = False  # needs no key
    query: frozenset[str] = frozenset()  # the parameters that it knows
    projections: tuple[str, ...] = ("read_model",)  # which must have passed the position of a Patchbay-After

    @property
    def is_write(self) -> bool:
        """True if it can change something."""
        return self.method not in ("GET", "HEAD")

    @property
    def known_query(self) -> frozenset[str]:
        """All parameters that it knows: every write can be rehearsed."""
        return self.query | {DRY_RUN} if self.is_write else self.query


async def _nothing(_exchange: "Exchange") -> "Answer":
    raise NotFound("There is nothing at this path.")


UNROUTED: Final = Route(method="GET", path="-", handler=_nothing)  # of a request before its route is known


class _Node:
    __slots__ = ("any", "methods", "named")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[str, Route] = {}


class RouteTable:
    """Finds the route of a request by its path's segments."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.path.split("/")[1:]:
                if segment.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.named.setdefault(segment, _Node())
            node.methods[route.method] = route
            if route.method == "GET":
                node.methods["HEAD"] = route

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """
        Return the route and the path's arguments, percent-decoded.

        Raises:
            NotFound: No operation has this path.
            MethodNotAllowed: The path has others.
        """
        node = self._root
        arguments: tuple[str, ...] = ()
        for segment in path.split("/")[1:]:
            found = node.named.get(segment)
            if found is None:
                found = node.any
                if found is None or not segment:
                    raise NotFound("There is nothing at this path.")
                arguments += (unquote(segment) if "%" in segment else segment,)
            node = found
        route = node.methods.get(method)
        if route is None:
            if not node.methods:
                raise NotFound("There is nothing at this path.")
            raise MethodNotAllowed(method, sorted(node.methods))
        return route, arguments
