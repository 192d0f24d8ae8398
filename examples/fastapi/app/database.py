"""The engine, and one session a request."""

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import get_settings


@lru_cache
def sessions() -> async_sessionmaker[AsyncSession]:
    """Connections are shared by all requests of this process."""
    url = str(get_settings().database_url).replace("postgresql://", "postgresql+psycopg://", 1)
    return async_sessionmaker(create_async_engine(url, pool_pre_ping=True), expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    """What is not committed when the request ends is rolled back."""
    async with sessions()() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
