"""fastapi-users with tokens in the database: SQLAlchemy's asyncio on asyncpg or aiosqlite, uvicorn with uvloop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any

import people
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, CookieTransport
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTable
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import ForeignKey, String, event, insert, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

URL = os.environ["DATABASE_URL"]
engine = create_async_engine(
    URL.replace("postgresql://", "postgresql+asyncpg://").replace("sqlite://", "sqlite+aiosqlite://")
)
maker = async_sessionmaker(engine, expire_on_commit=False)
helper = PasswordHelper(
    PasswordHash((Argon2Hasher(time_cost=people.PASSES, memory_cost=people.MEMORY_KIB, parallelism=people.LANES),))
)


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTable[int], Base):
    """fastapi-users' own model, with the name the answer tells."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    uname: Mapped[str | None] = mapped_column(String(30), unique=True)


class AccessToken(SQLAlchemyBaseAccessTokenTable[int], Base):
    """fastapi-users' own model."""

    __tablename__ = "tokens"

    @declared_attr
    def user_id(cls) -> Mapped[int]:  # noqa: N805 - SQLAlchemy hands the class in
        """Whose token it is."""
        return mapped_column(ForeignKey("users.id", ondelete="cascade"), index=True)


@event.listens_for(engine.sync_engine, "connect")
def set_up(raw: Any, _record: Any) -> None:
    """SQLite as everybody has it here."""
    if engine.dialect.name == "sqlite":
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()


async def session() -> AsyncIterator[AsyncSession]:
    """One session for each request."""
    async with maker() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def user_database(opened: Session) -> SQLAlchemyUserDatabase[User, int]:
    """Where the users are."""
    return SQLAlchemyUserDatabase(opened, User)


async def token_database(opened: Session) -> SQLAlchemyAccessTokenDatabase[AccessToken]:
    """Where the tokens are."""
    return SQLAlchemyAccessTokenDatabase(opened, AccessToken)


class UserManager(IntegerIDMixin, BaseUserManager[User, int]):
    """fastapi-users' own, with the hash everybody has here."""


async def manager(users: Annotated[Any, Depends(user_database)]) -> UserManager:
    """The manager of one request."""
    return UserManager(users, helper)


def strategy(tokens: Annotated[AccessTokenDatabase[AccessToken], Depends(token_database)]) -> Any:
    """Tokens are rows, as userapp's are."""
    return DatabaseStrategy(tokens, lifetime_seconds=86400)


bearer = AuthenticationBackend("bearer", BearerTransport("bearer/login"), strategy)
cookie = AuthenticationBackend("cookie", CookieTransport(cookie_name="session", cookie_secure=False), strategy)
people_of = FastAPIUsers[User, int](manager, [bearer, cookie])
app = FastAPI(openapi_url=None)
app.include_router(people_of.get_auth_router(bearer), prefix="/bearer")
app.include_router(people_of.get_auth_router(cookie), prefix="/cookie")
app.include_router(people_of.get_register_router(schemas.BaseUser[int], schemas.BaseUserCreate))


@app.get("/me")
async def me(user: Annotated[User, Depends(people_of.current_user(active=True))]) -> dict[str, Any]:
    """Who am I."""
    return people.answer(user.id, user.uname or "", user.email)


async def seed(count: int) -> None:
    """Make the accounts."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for start in range(1, count + 1, 10000):
            numbers = range(start, min(start + 10000, count + 1))
            rows = [
                {
                    "id": n, "uname": people.name(n), "email": people.address(n), "hashed_password": people.HASH,
                    "is_active": True, "is_superuser": False, "is_verified": True,
                }
                for n in numbers
            ]  # fmt: skip
            await connection.execute(insert(User), rows)
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT setval('users_id_seq', (SELECT max(id) FROM users))"))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(seed(int(sys.argv[1])))
