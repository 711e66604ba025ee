"""Whether a command of a given id has taken effect."""

from patchbay.api.reading.reader import Reader, with_pointers

_READ = with_pointers("SELECT height FROM history.events WHERE stream = $1 AND command_id = $2 LIMIT 1")


class Commands:
    """Finds accepted commands in the history."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def height_of(self, stream: str, command_id: str) -> int | None:
        """Return the height of the command's event in the stream; None if it has none (yet)."""
        rows = await self._reader.fetch(_READ, stream, bytes.fromhex(command_id))
        height: int | None = rows[0]["height"]
        return height
