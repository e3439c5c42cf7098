"""Who opens a socket: a program by its access token, a browser by its session and its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from accounts.authentication import login_of_token, seconds_left
from accounts.middleware import login_of_cookies
from accounts.models import Login
from chatflow.errors import Forbidden
from chatflow.realtime import Face

BEARER = "bearer."
FACES = {"chatflow.v1": Face.JSON, "chatflow.v1.batch": Face.JSON_BATCH}


@dataclass(frozen=True)
class Visitor:
    login: Login
    expires_in: float | None = None  # seconds; a socket does not outlive the token it came with


def find_visitor(scope: Mapping[str, Any]) -> Visitor | None:
    """By a token in a header or, from browsers, among the subprotocols; else by session."""
    token = _bearer_token(scope)
    if not token:
        return find_browser(scope)
    login = login_of_token(token)
    return Visitor(login, seconds_left(token)) if login else None


def find_browser(scope: Mapping[str, Any]) -> Visitor | None:
    """By session cookie, which browsers send from anywhere: Forbidden but to our own pages."""
    login = login_of_cookies(parse_cookie(_headers(scope).get("cookie", "")))
    if login is None:
        return None
    if not is_same_origin(scope):
        raise Forbidden
    return Visitor(login)


def chosen_subprotocol(scope: Mapping[str, Any]) -> str | None:
    return next((name for name in scope["subprotocols"] if name in FACES), None)


def is_same_origin(scope: Mapping[str, Any]) -> bool:
    """CSRF tokens do not cover sockets; the Origin that browsers add to every handshake does."""
    headers = _headers(scope)
    origin, host = headers.get("origin", ""), headers.get("host", "").lower()
    domain, _port = split_domain_port(host)
    is_our_host = bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
    return origin in settings.ALLOWED_ORIGINS or (
        is_our_host and origin == f"{_scheme(scope)}://{host}"
    )


def _scheme(scope: Mapping[str, Any]) -> str:
    """Of the page; proxies that we trust say what it was before them."""
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
