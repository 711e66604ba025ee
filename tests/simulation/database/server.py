"""A database server in memory: sessions, transactions, locks and notifications, each statement at one moment."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import asyncpg
from tests.simulation.database import statements, writes
from tests.simulation.database.tables import Access, Changes, Schema

_GENERATION = re.compile(r"\b(read_model|routing)_(\d+)\b")


class Statement:
    """A text, and which generations it names."""

    def __init__(self, text: str) -> None:
        self.schemas = {found[1]: found[0] for found in _GENERATION.finditer(text)}
        template = _GENERATION.sub(lambda found: f"{{{found[1]}}}", text)
        self.work = statements.work_of(template)
        self.locks = next(iter(self.schemas.values())) if statements.locks(template) else None


_statement = cache(Statement)


class Session:
    """One connection as the server sees it."""

    def __init__(self, pid: int, deliver: Callable[[int, str, str], None]) -> None:
        self.pid = pid
        self.deliver = deliver  # a notification to whoever is connected
        self.channels: set[str] = set()
        self.transaction: Changes | None = None
        self.held: set[str] = set()  # schemas whose rows it has locked
        self.is_open = True


class Server:
    """Everything that Postgres does here."""

    def __init__(self, schemas: dict[str, Schema], now: Callable[[], float]) -> None:
        self.schemas = schemas
        self.sessions: dict[int, Session] = {}
        self.trace: list[tuple[int, str, Sequence[Any], object]] | None = None  # what was done, for a comparison
        self._now = now
        self._holders: dict[str, Session] = {}  # by schema
        self._waiting: list[tuple[Session, Callable[[], None]]] = []
        self._pids = 100

    def connect(self, deliver: Callable[[int, str, str], None]) -> Session:
        """Open a session."""
        self._pids += 1
        session = self.sessions[self._pids] = Session(self._pids, deliver)
        return session

    def disconnect(self, session: Session) -> None:
        """End a session: what it has not committed has never been."""
        session.is_open = False
        if session.transaction is not None:
            self._note(session, "ROLLBACK", (), None)
        self.sessions.pop(session.pid, None)
        self._waiting = [waiting for waiting in self._waiting if waiting[0] is not session]
        self._end(session)

    def run(self, session: Session, text: str, arguments: Sequence[Any], tell: Callable[[object], None]) -> None:
        """Do a statement as soon as no other transaction holds its rows; tell its rows or what it raised."""
        if not session.is_open:
            return
        statement = _statement(text)
        if statement.locks is not None and self._holders.get(statement.locks, session) is not session:
            self._waiting.append((session, lambda: self.run(session, text, arguments, tell)))
            return
        tell(self._do(session, lambda at: statement.work(at, *arguments), (text, arguments), statement))

    def copy(
        self, session: Session, schema: str, table: str, columns: Sequence[str], records: Sequence[Sequence[Any]]
    ) -> object:
        """Copy rows into a table; the transaction has its locks already."""
        place = (schema, table, columns, records)
        return self._do(session, lambda at: writes.copy_rows(at, *place), ("COPY", place))

    def begin(self, session: Session) -> None:
        """Begin a transaction."""
        self._note(session, "BEGIN", (), None)
        session.transaction = Changes(self.schemas)

    def commit(self, session: Session) -> None:
        """Let everybody see what the transaction did, and hear of it."""
        self._note(session, "COMMIT", (), None)
        changes = session.transaction
        if changes is not None:
            changes.commit()
            self._notify(session, changes)
        self._end(session)

    def rollback(self, session: Session) -> None:
        """Forget what the transaction did."""
        self._note(session, "ROLLBACK", (), None)
        self._end(session)

    def alter(self, work: Callable[[Access], None]) -> None:
        """Do something in one transaction that no statement of ours does, as an operator does."""
        changes = Changes(self.schemas)
        work(Access(changes, {}, self._now()))
        changes.commit()

    def is_locked(self, schema: str) -> bool:
        """True if a transaction holds rows of this schema."""
        return schema in self._holders

    def view(self) -> Access:
        """Return what is committed now."""
        return Access(Changes(self.schemas), {}, self._now())

    def _do(
        self,
        session: Session,
        work: Callable[[Access], object],
        asked: tuple[str, Sequence[Any]],
        statement: Statement | None = None,
    ) -> object:
        changes = session.transaction or Changes(self.schemas)
        try:
            result = work(Access(changes, statement.schemas if statement else {}, self._now(), session.pid))
        except asyncpg.PostgresError as error:
            self._note(session, *asked, error)
            return error
        self._note(session, *asked, result)
        if session.transaction is None:
            changes.commit()
            self._notify(session, changes)
        elif statement is not None and statement.locks is not None:
            self._holders[statement.locks] = session
            session.held.add(statement.locks)
        return result

    def _notify(self, sender: Session, changes: Changes) -> None:
        for channel, payload in changes.notifications:
            for session in list(self.sessions.values()):
                if channel in session.channels:
                    session.deliver(sender.pid, channel, payload)

    def _end(self, session: Session) -> None:
        session.transaction = None
        for schema in session.held:
            del self._holders[schema]
        session.held.clear()
        waiting, self._waiting = self._waiting, []
        for _, go_on in waiting:
            go_on()

    def _note(self, session: Session, text: str, arguments: Sequence[Any], result: object) -> None:
        if self.trace is not None:
            self.trace.append((session.pid, text, arguments, result))
