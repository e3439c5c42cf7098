"""Events about accounts. Services call these functions inside their transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

from django.template.loader import render_to_string

from accounts.models import User
from accounts.presence import HIDDEN
from accounts.serializers import presence_json
from chatflow.live.events import CatchUp, Close, Event, HidePresence, user_topic
from chatflow.live.publishing import publish_after_commit

LOGIN_ENDED = 4401  # close code of WebSockets


@publish_after_commit
def login_ended(*, user_id: uuid.UUID, login_id: uuid.UUID) -> Iterator[Event]:
    yield Event(user_topic(user_id), control=Close(LOGIN_ENDED, login_id=str(login_id)))


@publish_after_commit
def logins_ended(*, user_id: uuid.UUID, spared: uuid.UUID | None) -> Iterator[Event]:
    """Close the sockets of all logins of the user except `spared`."""
    close = Close(LOGIN_ENDED, except_login_id=str(spared) if spared else "")
    yield Event(user_topic(user_id), control=close)


@publish_after_commit
def block_created(one: User, other: User) -> Iterator[Event]:
    """Hide the presence of each user from the other.

    Only sockets that watch the other user receive the event. It is the same event as when that user
    starts to hide their presence, so it does not reveal the block.
    """
    for seen, viewer in ((one, other), (other, one)):
        payload = presence_json(seen, HIDDEN)
        yield Event(
            user_topic(viewer.id),
            json=json.dumps({"type": "presence"} | payload),
            html=render_to_string("accounts/_presence.html", {"presence": payload}),
            control=HidePresence(str(seen.id)),
        )


@publish_after_commit
def account_changed(user: User) -> Iterator[Event]:
    """Make the user's sockets load the user again, because its settings affect what they send."""
    yield Event(user_topic(user.id), control=CatchUp())
