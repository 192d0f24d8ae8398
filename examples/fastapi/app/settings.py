"""Settings, from the environment."""

from functools import lru_cache

from pydantic import PostgresDsn
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """What differs between deployments."""

    allowed_hosts: list[str] = ["127.0.0.1", "localhost"]
    database_url: PostgresDsn
    jwt_public_key: str
    jwt_issuer: str
    jwt_audience: str


@lru_cache
def get_settings() -> Settings:
    """Read once."""
    return Settings()
