"""The response that streams an attachment: whole, or the range of bytes that a player asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from chatflow.errors import DomainError, NotFound
from conversations.encryption.envelope import CannotBeRead
from messaging.attachments.files import StoredFile, Variant
from messaging.attachments.models import Attachment
from messaging.attachments.types import KINDS, UNKNOWN, VOICE_TYPES

WEBP = "image/webp"
SHOWN_INLINE = {*KINDS, *VOICE_TYPES.values()}
CACHE_CONTROL = "private, max-age=86400, immutable"
# If the URL is opened directly, the file can neither run scripts nor load anything.
CONTENT_SECURITY_POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
)
SINGLE_RANGE = re.compile(r"bytes=(\d{0,20})-(\d{0,20})")


class RangeNotSatisfiable(DomainError):
    code = "range_not_satisfiable"
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    message = "The file has no bytes in this range."

    def __init__(self, size: int) -> None:
        super().__init__()
        self.headers = {"Content-Range": f"bytes */{size}"}


def serve(request: HttpRequest, attachment: Attachment, variant: Variant) -> HttpResponseBase:
    """Answer with the bytes. Raises NotFound if there are none, and RangeNotSatisfiable."""
    etag = f'"{attachment.id.hex}{variant}"'  # a file never changes
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = _content(request, attachment, variant, etag)
    response["ETag"] = etag
    response["Cache-Control"] = CACHE_CONTROL
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _content(
    request: HttpRequest, attachment: Attachment, variant: Variant, etag: str
) -> HttpResponseBase:
    try:
        file = StoredFile(attachment, variant)
    except CannotBeRead:
        raise NotFound from None
    try:
        start, stop = _range(request, file.size, etag) or (0, file.size)
    except RangeNotSatisfiable:
        file.close()
        raise
    is_partial = (start, stop) != (0, file.size)
    response: HttpResponseBase
    if request.method == "HEAD":
        file.close()
        response = HttpResponse()
    else:
        response = StreamingHttpResponse(_pieces(file, start, stop))
    if is_partial:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(stop - start)
    content_type = WEBP if variant else attachment.content_type
    is_inline = content_type in SHOWN_INLINE
    response["Content-Type"] = content_type if is_inline else UNKNOWN
    disposition = content_disposition_header(not is_inline, attachment.name or "file")
    response["Content-Disposition"] = str(disposition)
    return response


def _pieces(file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
    try:
        yield from file.read(start, stop)
    finally:
        file.close()


def _range(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """Return the first byte and the one after the last, or None for the whole file.

    Several ranges and malformed ones are ignored, as RFC 9110 allows.
    """
    found = SINGLE_RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if not found or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    if last and first and int(last) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, stop
