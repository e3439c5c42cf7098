"""Events about conversations and memberships. Services call these inside their transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator

from django.template.loader import render_to_string

from accounts.models import User
from chatflow.jinja import jinja
from chatflow.live.events import Event, Join, conversation_topic, user_topic
from chatflow.live.publishing import publish_after_commit
from conversations.models import Conversation, Membership
from conversations.serializers import membership_json

MAX_CONVERSATIONS_TOLD = 100  # about a new name or photo; other pages show it after a reload


@publish_after_commit
def members_joined(conversation: Conversation, user_ids: Iterable[uuid.UUID]) -> Iterator[Event]:
    """Let the new members' sockets subscribe to the conversation and show it."""
    for user_id in user_ids:
        yield Event(user_topic(user_id), control=Join(str(conversation.id)))


@publish_after_commit
def member_left(member: Membership, *, by: User) -> Iterator[Event]:
    conversation_id = str(member.conversation_id)
    context = {"conversation": member.conversation, "member": member, "by": by}
    yield Event(
        user_topic(member.user_id),
        json=json.dumps({"type": "conversation.removed", "conversation": conversation_id}),
        html=render_to_string("conversations/_removed.html", context),
    )


@publish_after_commit
def profile_changed(user: User) -> Iterator[Event]:
    """Send a new name or photo to the members of the user's most recently active conversations,
    whose pages probably show it."""
    recent = Membership.objects.active().of(user).filter(conversation__last_seq__gt=0)
    recent = recent.newest_activity_first()[:MAX_CONVERSATIONS_TOLD]
    html = render_to_string("accounts/_profile.html", {"person": user})
    for conversation_id in recent.values_list("conversation_id", flat=True):
        yield Event(conversation_topic(conversation_id), html=html)


@publish_after_commit
def membership_updated(membership: Membership, *, draft: str | None = None) -> Iterator[Event]:
    """Tell all devices of the member. Pass `draft` only when saving it: other requests may have
    read an older draft, which would overwrite the new one."""
    payload = {
        "type": "membership.updated",
        "conversation": str(membership.conversation_id),
        "membership": membership_json(membership),
        "unread_count": membership.unread_count,
    }
    yield Event(
        user_topic(membership.user_id),
        json=json.dumps(payload),
        html=jinja("membership.jinja", membership=membership, draft=draft),
    )
