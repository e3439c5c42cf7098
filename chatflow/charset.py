"""ChatFlow speaks UTF-8. What says to be something else is refused before Django reads it."""

from __future__ import annotations

import codecs
import json
from http import HTTPStatus
from typing import Any

from django.utils.http import parse_header_parameters

from chatflow.entrance import Application, Receive, Send
from chatflow.errors import PROBLEM_TYPE, problem

SPOKEN = {codecs.lookup(name).name for name in ("utf-8", "ascii")}


class SpeakUtf8:
    """Python knows encodings that are none of text, such as zlib. Django takes their names, and
    fails while it makes the request, where no handler of ours could say so."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if _is_spoken(_charset_of(scope)):
            await self._application(scope, receive, send)
        else:
            await _refuse(send)


def _charset_of(scope: Any) -> str:
    content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    _type, parameters = parse_header_parameters(content_type)
    return parameters.get("charset", "")


def _is_spoken(charset: str) -> bool:
    """Names that nobody knows are passed over, as Django does; on a NUL it fails."""
    try:
        return not charset or codecs.lookup(charset).name in SPOKEN
    except LookupError:
        return True
    except ValueError:
        return False


async def _refuse(send: Send) -> None:
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    body = json.dumps(problem(status, "ChatFlow speaks UTF-8 only.", code="not_utf8")).encode()
    headers = [(b"content-type", PROBLEM_TYPE.encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
