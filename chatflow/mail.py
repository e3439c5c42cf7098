"""Letters that nobody waits for: one thread takes them from a bounded queue and sends them.

A mail server may take seconds, or be away. Whoever caused a letter has been answered by then, in
the same time whether there was one to send or not. What still waits when the process ends is lost;
people ask again.
"""

from __future__ import annotations

import logging
import threading
import uuid
from functools import cache
from queue import Full, Queue

from django.core.mail import EmailMessage

logger = logging.getLogger(__name__)

MOST_WAITING = 100

_waiting: Queue[tuple[EmailMessage, uuid.UUID]] = Queue(MOST_WAITING)


def post(letter: EmailMessage, *, to: uuid.UUID) -> None:
    """Sends it soon; `to` is for the log. Whatever goes wrong is a line there, and no error."""
    _postman()
    try:
        _waiting.put_nowait((letter, to))
    except Full:
        logger.error("no letter to %s: %d others are waiting", to, MOST_WAITING)


def wait() -> None:
    """Until every letter so far is on its way, or has failed."""
    _waiting.join()


@cache
def _postman() -> threading.Thread:
    thread = threading.Thread(target=_carry, name="mail", daemon=True)
    thread.start()
    return thread


def _carry() -> None:
    while True:
        letter, to = _waiting.get()
        try:
            letter.send()
        except Exception as error:  # mail fails in many ways, all of which mean: no letter
            # No traceback: a server's refusal may quote the letter, and that has a token.
            logger.error("no letter to %s: %s", to, type(error).__name__)
        finally:
            _waiting.task_done()
