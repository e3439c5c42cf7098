"""Which address a request comes from, when proxies stand in front."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class TrustedProxies:
    """Puts the caller's address into REMOTE_ADDR, from what proxies of ours say about it.

    Everybody can write X-Forwarded-For; only the last TRUSTED_PROXIES entries were written by
    proxies of ours, so the caller is the first of those and whatever stands left of it is a claim.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXIES:
            request.META["REMOTE_ADDR"] = caller_address(
                request.META.get("HTTP_X_FORWARDED_FOR", ""), request.META.get("REMOTE_ADDR", "")
            )
        return self.get_response(request)


def caller_address(forwarded_for: str, peer: str) -> str:
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    if not settings.TRUSTED_PROXIES or not hops:
        return peer
    caller = hops[-min(settings.TRUSTED_PROXIES, len(hops))]
    return caller if _is_address(caller) else peer


def socket_address(scope: Mapping[str, object]) -> str:
    """The same for a WebSocket handshake."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", [])  # type: ignore[assignment]
    claims = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    peer = (scope.get("client") or ("", 0))[0]  # type: ignore[index]
    return caller_address(",".join(claims), peer)


def network_of(address: str) -> str:
    """What counts as one address: of IPv6, the /64 that every household and phone gets."""
    if not _is_address(address):
        return ""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))


def _is_address(text: str) -> bool:
    """Some write “unknown”, or a port behind the address, and the database takes neither."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
