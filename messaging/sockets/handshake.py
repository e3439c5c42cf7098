"""Authenticate handshakes: programs by access token, browsers by session and origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from accounts.auth.authentication import login_until_expiry
from accounts.auth.middleware import login_of_cookies
from accounts.models import Login
from chatflow.errors import Forbidden
from chatflow.live.encoding import Encoding

BEARER = "bearer."
ENCODINGS = {"chatflow.v1": Encoding.JSON, "chatflow.v1.batch": Encoding.JSON_BATCH}


@dataclass(frozen=True)
class AuthenticatedClient:
    login: Login
    expires_in: float | None = None  # seconds until the token expires, which closes the socket


def authenticate_handshake(scope: Mapping[str, Any]) -> AuthenticatedClient | None:
    """Return the client of the access token, or without a token that of the session. The token is
    in the Authorization header or, because browsers cannot set it, among the subprotocols."""
    token = _bearer_token(scope)
    if not token:
        return find_browser(scope)
    login, seconds_left = login_until_expiry(token)
    return AuthenticatedClient(login, seconds_left) if login else None


def find_browser(scope: Mapping[str, Any]) -> AuthenticatedClient | None:
    """Return the client of the session. Raise Forbidden if the handshake does not come from one of
    our pages, because browsers send the session cookie from any site."""
    login = login_of_cookies(parse_cookie(_headers(scope).get("cookie", "")))
    if login is None:
        return None
    if not is_same_origin(scope):
        raise Forbidden
    return AuthenticatedClient(login)


def chosen_subprotocol(scope: Mapping[str, Any]) -> str | None:
    return next((name for name in scope["subprotocols"] if name in ENCODINGS), None)


def is_same_origin(scope: Mapping[str, Any]) -> bool:
    """Return whether one of our pages opens the socket. Handshakes carry no CSRF token, but
    browsers always send their Origin."""
    headers = _headers(scope)
    origin, host = headers.get("origin", ""), headers.get("host", "").lower()
    domain, _port = split_domain_port(host)
    is_our_host = bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
    return origin in settings.ALLOWED_ORIGINS or (
        is_our_host and origin == f"{_scheme(scope)}://{host}"
    )


def _scheme(scope: Mapping[str, Any]) -> str:
    """Return the scheme of the page, which a trusted proxy reports in a header."""
    if settings.TRUSTED_PROXIES:
        return _headers(scope).get("x-forwarded-proto", "http")
    return "https" if scope.get("scheme") == "wss" else "http"


def _bearer_token(scope: Mapping[str, Any]) -> str:
    scheme, _, token = _headers(scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = [name for name in scope["subprotocols"] if name.startswith(BEARER)]
    return offered[0].removeprefix(BEARER) if offered else ""


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
