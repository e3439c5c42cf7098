"""Response headers beside those of Django's security middleware."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

UNUSED_FEATURES = (
    *("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation"),
    *("gyroscope", "hid", "magnetometer", "midi", "payment"),
    *("publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
# The same for all pages: no script, style or frame comes from elsewhere, and none is inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; "  # this includes connections and sockets
    "script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "form-action 'self'; "  # blob: shows files that were chosen or recorded but not sent yet
    "base-uri 'none'; object-src 'none'; frame-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": ", ".join(
        ["microphone=(self)", *(f"{feature}=()" for feature in UNUSED_FEATURES)]
    ),  # the microphone records voice messages; photos are taken by the camera app
    "Cross-Origin-Resource-Policy": "same-origin",
    # Static files and avatars set their own value. All other responses may be private: they must
    # not be found in a cache, or with the back button after logging out.
    "Cache-Control": "no-store",
}


class Headers:
    """Add the headers of ALWAYS to responses that do not set them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        return response
