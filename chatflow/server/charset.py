"""Refuse requests that are not UTF-8 before Django reads them."""

from __future__ import annotations

import codecs
import json
from http import HTTPStatus
from typing import Any

from django.utils.http import parse_header_parameters

from chatflow.errors import PROBLEM_TYPE, problem
from chatflow.server.admission import Application, Receive, Send

ALLOWED_CHARSETS = {codecs.lookup(name).name for name in ("utf-8", "ascii")}
REPLACEMENT = "\ufffd"  # ASGI servers put it in place of bytes that are not UTF-8


class SpeakUtf8:
    """Answer 415 to other charsets, and 400 to paths that are not UTF-8.

    Without it a charset such as zlib, which is a codec of Python but not a text encoding, would
    make Django fail while it creates the request, where no error handler runs. A path with
    replacement characters could match a route by accident.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if REPLACEMENT in scope["path"]:
            await _refuse(HTTPStatus.BAD_REQUEST, send)
        elif not _is_utf8(_charset_of(scope)):
            await _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, send)
        else:
            await self._application(scope, receive, send)


def _charset_of(scope: Any) -> str:
    content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    _type, parameters = parse_header_parameters(content_type)
    return parameters.get("charset", "")


def _is_utf8(charset: str) -> bool:
    """Return whether the charset is UTF-8 or unknown: Django ignores unknown ones."""
    try:
        return not charset or codecs.lookup(charset).name in ALLOWED_CHARSETS
    except LookupError:
        return True
    except ValueError:
        return False


async def _refuse(status: HTTPStatus, send: Send) -> None:
    body = json.dumps(problem(status, "ChatFlow speaks UTF-8 only.", code="not_utf8")).encode()
    headers = [(b"content-type", PROBLEM_TYPE.encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
