"""Send emails in the background: one thread takes them from a bounded queue.

A mail server may be slow or unavailable. The request that causes an email is answered first, and
takes the same time whether or not there is one to send. Emails that are still queued when the
process ends are lost, and users request them again. A task queue such as Celery would replace this.
"""

from __future__ import annotations

import logging
import threading
import uuid
from functools import cache
from queue import Full, Queue

from django.core.mail import EmailMessage

logger = logging.getLogger(__name__)

MAX_WAITING = 100

_waiting: Queue[tuple[EmailMessage, uuid.UUID]] = Queue(MAX_WAITING)


def enqueue(message: EmailMessage, *, to: uuid.UUID) -> None:
    """Send the email soon; `to` identifies the user in the log. Failures are logged, not raised."""
    _start_thread()
    try:
        _waiting.put_nowait((message, to))
    except Full:
        logger.error("email to %s not sent: %d others are waiting", to, MAX_WAITING)


def wait() -> None:
    """Wait until every queued email has been sent or has failed."""
    _waiting.join()


@cache
def _start_thread() -> threading.Thread:
    thread = threading.Thread(target=_send_queued, name="email", daemon=True)
    thread.start()
    return thread


def _send_queued() -> None:
    while True:
        message, to = _waiting.get()
        try:
            message.send()
        except Exception as error:  # email fails in many ways; the thread has to survive them all
            # No traceback: a server's refusal may quote the email, which contains a token.
            logger.error("email to %s not sent: %s", to, type(error).__name__)
        finally:
            _waiting.task_done()
