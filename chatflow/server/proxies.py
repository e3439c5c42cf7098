"""The address of a request's client, also behind proxies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

ZONE, PORT = r"(?:%[^\]]*)?", r"(?::\d{1,5})?"
HOP = re.compile(rf"\[([\da-f:.]+){ZONE}\]{PORT}|([\d.]+){PORT}|([\da-f:.]+){ZONE}", re.IGNORECASE)


class TrustedProxies:
    """Set REMOTE_ADDR to the client's address, as reported by trusted proxies.

    Anyone can send X-Forwarded-For. Only its last TRUSTED_PROXIES entries were written by trusted
    proxies, so the first of those is the client.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META["REMOTE_ADDR"] = caller_address(
            request.META.get("HTTP_X_FORWARDED_FOR", ""), request.META.get("REMOTE_ADDR", "")
        )
        return self.get_response(request)


def caller_address(forwarded_for: str, peer: str) -> str:
    """Return the client's address without port, brackets or zone, or "" if there is none."""
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    if not settings.TRUSTED_PROXIES or not hops:
        return _address(peer)
    return _address(hops[-min(settings.TRUSTED_PROXIES, len(hops))]) or _address(peer)


def socket_address(scope: Mapping[str, object]) -> str:
    """Return the client's address for an ASGI scope, before Django handles it."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", [])  # type: ignore[assignment]
    forwarded = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    peer = (scope.get("client") or ("", 0))[0]  # type: ignore[index]
    return caller_address(",".join(forwarded), peer)


def network_of(address: str) -> str:
    """Return what limits count as one address: for IPv6 the /64 that a household or phone has."""
    if not (plain := _address(address)):
        return ""
    parsed = ip_address(plain)
    if not isinstance(parsed, IPv6Address):
        return plain
    return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))


def _address(text: str) -> str:
    """Return the address in `192.0.2.1:443`, `[2001:db8::1]:443` or `fe80::1%eth0`, or ""."""
    match = HOP.fullmatch(text)
    try:
        return str(ip_address(match[match.lastindex or 0])) if match else ""
    except ValueError:
        return ""
