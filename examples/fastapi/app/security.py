"""Who sends a request: access tokens of an issuer that signs with RS256."""

from dataclasses import dataclass
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException, Security, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.settings import Settings, get_settings

WRITE = "projects:write"

bearer = HTTPBearer(bearerFormat="JWT")


@dataclass(frozen=True)
class User:
    """The subject of a valid token."""

    subject: str
    permissions: frozenset[str]


def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Security(bearer)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> User:
    """The user, or 401."""
    try:
        claims = jwt.decode(
            credentials.credentials,
            settings.jwt_public_key,
            algorithms=["RS256"],
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            options={"require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED,
            detail="Invalid token",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        ) from None
    return User(claims["sub"], frozenset(claims.get("permissions", [])))


def writer(user: Annotated[User, Depends(current_user)]) -> User:
    """The user if it may write, or 403."""
    if WRITE not in user.permissions:
        raise HTTPException(status.HTTP_403_FORBIDDEN, detail=f"Permission {WRITE} is missing")
    return user


Reader = Annotated[User, Depends(current_user)]
Writer = Annotated[User, Depends(writer)]
