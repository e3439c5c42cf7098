"""What sockets are told besides events: where things stand, conversations, answers to commands.

Each face has its own words for it. All of this reads the database or renders: it is for threads.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any, Protocol

from django.template.loader import render_to_string

from accounts.models import User
from accounts.serializers import UserSerializer
from chatflow.realtime import Face
from conversations.listing import list_members
from conversations.models import Membership
from conversations.serializers import conversation_json, member_json
from messaging.history import attach_last_messages

Frame = dict[str, Any]

MOST_MEMBERS_TOLD = 100  # of a larger group, each change would tell everybody to everybody


class Frames(Protocol):
    def ready(self, user: User, heads: Iterable[Frame]) -> str:
        """Where each conversation of the user stands."""

    def conversation(self, event: str, conversation_id: str, user_ids: set[str]) -> dict[str, str]:
        """As each of these users sees it; without those who are no members."""

    def removed(self, conversation_id: str) -> str:
        """It is theirs no longer."""

    def answers(self, answers: list[Frame]) -> str:
        """To what came in one frame."""


class JsonFrames:
    def ready(self, user: User, heads: Iterable[Frame]) -> str:
        heads = [head | {"id": str(head["id"])} for head in heads]
        me = UserSerializer(user).data
        return self.answers([{"type": "ready", "user": me, "conversations": heads}])

    def conversation(self, event: str, conversation_id: str, user_ids: set[str]) -> dict[str, str]:
        members = Membership.objects.active().in_conversation(uuid.UUID(conversation_id))
        memberships = list(members.filter(user_id__in=user_ids).for_display())
        together = _members_json(memberships[0]) if memberships else {}
        return {
            str(membership.user_id): self.answers(
                [{"type": event, "conversation": conversation_json(membership) | together}]
            )
            for membership in attach_last_messages(memberships)
        }

    def removed(self, conversation_id: str) -> str:
        return self.answers([{"type": "conversation.removed", "conversation": conversation_id}])

    def answers(self, answers: list[Frame]) -> str:
        return json.dumps(answers[0])


class JsonBatchFrames(JsonFrames):
    def answers(self, answers: list[Frame]) -> str:
        return json.dumps(answers)


class HtmlFrames:
    """The page asks for what it shows of a conversation, so the same words do for every member."""

    def ready(self, user: User, heads: Iterable[Frame]) -> str:
        return render_to_string("messaging/_ready.html", {"heads": heads})

    def conversation(self, event: str, conversation_id: str, user_ids: set[str]) -> dict[str, str]:
        context = {"event": event, "conversation_id": conversation_id}
        return dict.fromkeys(user_ids, render_to_string("conversations/_changed.html", context))

    def removed(self, conversation_id: str) -> str:
        context = {"conversation": {"id": conversation_id}}
        return render_to_string("conversations/_removed.html", context)

    def answers(self, answers: list[Frame]) -> str:
        html = "".join(
            render_to_string(f"messaging/_{answer['type']}.html", {"frame": answer})
            for answer in answers
        )
        return html.encode(errors="replace").decode()  # a `ref` may be half a character


def _members_json(membership: Membership) -> Frame:
    if membership.conversation.member_count > MOST_MEMBERS_TOLD:
        return {}
    return {"members": [member_json(member) for member in list_members(membership)]}


FRAMES: dict[Face, Frames] = {
    Face.JSON: JsonFrames(),
    Face.JSON_BATCH: JsonBatchFrames(),
    Face.HTML: HtmlFrames(),
}
