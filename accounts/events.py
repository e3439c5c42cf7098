"""Announces what happens to accounts. Called by the services, inside their transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

from django.template.loader import render_to_string

from accounts.models import User
from accounts.presence import HIDDEN
from accounts.serializers import presence_json
from chatflow import realtime
from chatflow.realtime import Event, user_topic

LOGIN_ENDED = 4401


@realtime.announces
def login_ended(*, user_id: uuid.UUID, login_id: uuid.UUID) -> Iterator[Event]:
    yield Event(user_topic(user_id), ends=LOGIN_ENDED, login=str(login_id))


@realtime.announces
def logins_ended(*, user_id: uuid.UUID, spared: uuid.UUID | None) -> Iterator[Event]:
    """All logins of the person, but for the one that is spared."""
    yield Event(user_topic(user_id), ends=LOGIN_ENDED, spares=str(spared) if spared else "")


@realtime.announces
def people_parted(one: User, other: User) -> Iterator[Event]:
    """From here on neither sees whether the other one is here, also where they are looking."""
    for seen, looker in ((one, other), (other, one)):
        fact = presence_json(seen, HIDDEN)
        yield Event(
            user_topic(looker.id),
            json=json.dumps({"type": "presence"} | fact),
            html=render_to_string("accounts/_presence.html", {"presence": fact}),
            unwatches=str(seen.id),
        )


@realtime.announces
def account_changed(user: User) -> Iterator[Event]:
    """The person's own sockets go by what they have read of them: whom they see, what they are
    called."""
    yield Event(user_topic(user.id), catches_up=True)
