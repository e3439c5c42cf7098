"""Announces what happens to conversations and memberships. Services call it inside their acts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator

from django.template.loader import render_to_string

from chatflow import realtime
from chatflow.realtime import Event, user_topic
from conversations.models import Conversation, Membership
from conversations.serializers import membership_json


@realtime.announces
def members_joined(conversation: Conversation, user_ids: Iterable[uuid.UUID]) -> Iterator[Event]:
    """Their sockets join the conversation and show it as each of them sees it."""
    for user_id in user_ids:
        yield Event(user_topic(user_id), joins=str(conversation.id))


@realtime.announces
def member_left(member: Membership) -> Iterator[Event]:
    conversation_id = str(member.conversation_id)
    yield Event(
        user_topic(member.user_id),
        json=json.dumps({"type": "conversation.removed", "conversation": conversation_id}),
        html=render_to_string("conversations/_removed.html", {"conversation": member.conversation}),
    )


@realtime.announces
def membership_updated(membership: Membership, *, draft: str | None = None) -> Iterator[Event]:
    """To all devices of the one member. The draft is named by who has just saved it: whatever else
    changes may have read an older one, and would bring it back.
    """
    fact = {
        "type": "membership.updated",
        "conversation": str(membership.conversation_id),
        "membership": membership_json(membership),
        "unread_count": membership.unread_count,
    }
    yield Event(
        user_topic(membership.user_id),
        json=json.dumps(fact),
        html=render_to_string(
            "conversations/_membership.html", {"membership": membership, "draft": draft}
        ),
    )
