"""Creates and reads access and refresh tokens. Both name a Login and end with it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.models import Login

LOGIN_CLAIM = "login"


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str


def new_refresh_id() -> str:
    return uuid.uuid4().hex


def token_pair(login: Login) -> TokenPair:
    """Return an access token and the login's only valid refresh token."""
    refresh = RefreshToken()
    refresh["jti"] = login.refresh_id
    refresh[LOGIN_CLAIM] = str(login.id)
    access = AccessToken()
    access[LOGIN_CLAIM] = str(login.id)
    return TokenPair(access=str(access), refresh=str(refresh))


def read_refresh_token(text: str) -> tuple[uuid.UUID, str]:
    """Return the login id and the refresh id. Raises TokenError if the token is not valid."""
    token = RefreshToken(text)  # type: ignore[arg-type]
    return login_id_of(token), str(token["jti"])


def login_id_of(token: Token) -> uuid.UUID:
    try:
        return uuid.UUID(str(token[LOGIN_CLAIM]))
    except (KeyError, ValueError) as error:
        raise TokenError("Token names no login") from error
