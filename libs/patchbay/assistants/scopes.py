"""What a key may be allowed to do."""

from collections.abc import Iterable
from typing import Final

RESOURCES: Final = ("assistants", "phone-numbers", "routing", "events", "keys", "account", "audit")
SCOPES: Final = frozenset(
    ["*", *(f"{resource}:{action}" for resource in RESOURCES for action in ("*", "read", "write"))]
)


def allows(scopes: Iterable[str], needed: str) -> bool:
    """
    True if a key with `scopes` may do `needed`. Who may write may not read for that: each is granted by itself.

    Args:
        scopes: Those of the key.
        needed: `<resource>:read` or `<resource>:write`.
    """
    resource = needed.partition(":")[0]
    return any(scope in ("*", needed, f"{resource}:*") for scope in scopes)
