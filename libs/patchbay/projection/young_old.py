"""A bounded cache that costs nothing to keep in order."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _one(_value: object) -> int:
    return 1


class YoungOld(Generic[K, V]):
    """
    Keeps what was used lately, in two halves: when the young half is full it becomes the old one, which is dropped.

    Whatever was used within the last `limit` weight is there; at most twice that is kept.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int] = _one) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the value, or None if it is not kept."""
        value = self._young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep the value, as just used."""
        self._weight += self._weigh(value)
        if self._weight > self._limit:
            self._old, self._young, self._weight = self._young, {}, self._weigh(value)
        self._young[key] = value

    def drop(self, keys: Iterable[K]) -> None:
        """Keep these no longer."""
        for key in keys:
            self._young.pop(key, None)
            self._old.pop(key, None)

    def update(self, values: Mapping[K, V]) -> None:
        """Keep all of `values`, as just used."""
        for key, value in values.items():
            self.put(key, value)
