"""What a call to a number must lead to, by all that was answered to the one who changes it."""

import msgspec
from tests.system.telephony.router import VOICE_HOST

Told = tuple[int, str | None]  # status and Contact
UNKNOWN: Told = (404, None)
NOT_IN_COPY: Told = (503, None)


class Line(msgspec.Struct, kw_only=True):
    """
    A phone number of one account, as its changes have left it.

    `possible` is what a router may answer that cannot reach the table: all that was so since it was last seen there.
    """

    number_id: str
    phone_number: str
    is_registered: bool = True
    is_suspended: bool = False
    fallback: str | None = None
    holder: str | None = None  # an assistant
    possible: set[Told] = msgspec.field(default_factory=set)

    def told(self, answering: set[str]) -> Told:
        """
        Return what a call to it is told.

        Args:
            answering: The assistants that answer calls.
        """
        if not self.is_registered:
            return UNKNOWN
        if self.holder in answering and not self.is_suspended:
            return 302, f"sip:{self.holder}@{VOICE_HOST}"
        if self.fallback is None:
            return 480, None
        return 302, f"tel:{self.fallback}" if self.fallback.startswith("+") else self.fallback
