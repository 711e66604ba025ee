"""What most would pick in Python: FastAPI, Pydantic, SQLAlchemy's asynchronous ORM on asyncpg, uvicorn."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime, Text
from tests.benchmarks.peers.templates import TEMPLATES

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1))
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Tables(DeclarativeBase):
    """All tables."""


class Assistant(Tables):
    """A row."""

    __tablename__ = "assistants"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    model: Mapped[str]
    provider: Mapped[str]
    temperature: Mapped[float]
    max_tokens: Mapped[int]
    first_message: Mapped[str]
    system_prompt: Mapped[str] = mapped_column(Text)
    voice_provider: Mapped[str]
    voice_model: Mapped[str]
    voice_id: Mapped[str | None]
    voice_name: Mapped[str | None]
    transcriptor_provider: Mapped[str]
    transcriptor_model: Mapped[str]
    transcriptor_language: Mapped[str]
    recording_enabled: Mapped[bool]
    inbound_enabled: Mapped[bool]
    outbound_enabled: Mapped[bool]
    phone_number_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class NewAssistant(BaseModel):
    """The body of a POST."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")

    account_slug: str = Field(alias="accountSlug")
    name: str = Field(min_length=1)
    template_id: str = Field(alias="templateId", default="custom")


class Changes(BaseModel):
    """The body of a PATCH."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")

    account_slug: str = Field(alias="accountSlug")
    name: str | None = None
    first_message: str | None = None
    system_prompt: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0)
    inbound_enabled: bool | None = None
    outbound_enabled: bool | None = None


class Record(BaseModel):
    """An assistant as it is answered."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=())

    id: str
    account_id: str
    name: str
    type: str
    model: str
    provider: str
    temperature: float
    max_tokens: int
    first_message: str
    system_prompt: str
    voice_provider: str
    voice_model: str
    voice_id: str | None
    voice_name: str | None
    transcriptor_provider: str
    transcriptor_model: str
    transcriptor_language: str
    recording_enabled: bool
    inbound_enabled: bool
    outbound_enabled: bool
    phone_number_ids: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class Answer(BaseModel):
    """The answer to every call."""

    success: bool = True
    assistant: Record


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Make the tables, and let go of the connections at the end."""
    async with engine.begin() as connection:
        await connection.run_sync(Tables.metadata.create_all)
    yield
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a session to one request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, bool]:
    """Answer once the tables are there."""
    return {"ready": True}


@app.post("/api/assistants")
async def create(new: NewAssistant, session: Session) -> Answer:
    """Insert an assistant made from a template."""
    template: dict[str, Any] | None = TEMPLATES.get(new.template_id)
    if template is None:
        raise HTTPException(422, "there is no such template")
    now = datetime.now(UTC)
    assistant = Assistant(
        id=f"asst_{uuid.uuid4().hex}",
        account_id=f"acct_{new.account_slug}",
        name=new.name,
        phone_number_ids=[],
        version=1,
        created_at=now,
        updated_at=now,
        **template,
    )
    session.add(assistant)
    await session.commit()
    return Answer(assistant=Record.model_validate(assistant))


@app.get("/api/assistants/{assistant_id}")
async def read(assistant_id: str, session: Session) -> Answer:
    """Return the row."""
    assistant = await session.get(Assistant, assistant_id)
    if assistant is None:
        raise HTTPException(404)
    return Answer(assistant=Record.model_validate(assistant))


@app.patch("/api/assistants/{assistant_id}")
async def update(assistant_id: str, changes: Changes, session: Session) -> Answer:
    """Change the row under a lock, and return it."""
    assistant = await session.get(Assistant, assistant_id, with_for_update=True)
    if assistant is None or assistant.account_id != f"acct_{changes.account_slug}":
        raise HTTPException(404)
    for field, value in changes.model_dump(exclude_unset=True, exclude={"account_slug"}).items():
        setattr(assistant, field, value)
    assistant.version += 1
    assistant.updated_at = datetime.now(UTC)
    await session.commit()
    return Answer(assistant=Record.model_validate(assistant))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
