"""The frames that sockets receive besides events: `ready`, conversations, and answers to commands.

Most methods read the database or render templates, so they are called in threads.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string

from accounts.models import User
from accounts.presence import HIDDEN
from accounts.serializers import presence_json, user_json
from chatflow.live.encoding import Encoding, build_frame
from conversations.listing import members_of
from conversations.models import Membership
from conversations.querysets import SYNC_STATE
from conversations.serializers import conversation_json, member_json
from messaging.history import attach_last_messages

Frame = dict[str, Any]

MAX_MEMBERS_INCLUDED = 100  # larger groups are sent without members, at most 100 × 100 in all


class JsonFrames:
    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding

    def ready(self, user: User, states: Iterable[Frame]) -> str:
        """Return the frame with the sync state of each conversation of the user."""
        listed = [
            {"id": str(state["id"])} | {name: state[name] for name in SYNC_STATE}
            for state in states
            if state["is_listed"]
        ]
        me = user_json(user)
        return self._frame({"type": "ready", "user": me, "conversations": listed})

    def conversation(self, event: str, conversation_id: str, user_ids: set[str]) -> dict[str, str]:
        """Return the conversation as each of these users sees it, without users who may not."""
        members = Membership.objects.active().in_conversation(uuid.UUID(conversation_id))
        memberships = list(members.filter(user_id__in=user_ids).for_display())
        members_json = _members_json(memberships[0]) if memberships else {}
        return {
            str(membership.user_id): self._frame(
                {"type": event, "conversation": conversation_json(membership) | members_json}
            )
            for membership in attach_last_messages(memberships)
        }

    def removed(self, conversation_id: str) -> str:
        """Return the frame that reports the end of the user's membership."""
        return self._frame({"type": "conversation.removed", "conversation": conversation_id})

    def hidden(self, user: User) -> str:
        """Return the frame that reports the presence of this user as unknown."""
        return self._frame({"type": "presence"} | presence_json(user, HIDDEN))

    def answer(self, answer: Frame) -> str:
        """Return the text of one answer. The consumer puts several into one frame."""
        return json.dumps(answer)

    def _frame(self, payload: Frame) -> str:
        return build_frame(self.encoding, [json.dumps(payload)])


class HtmlFrames:
    """The methods of `JsonFrames`, as fragments of the page.

    Conversations are the same for all members, because the page fetches what it shows of them.
    """

    def ready(self, user: User, states: Iterable[Frame]) -> str:
        return render_to_string("messaging/_ready.html", {"heads": states})

    def conversation(self, event: str, conversation_id: str, user_ids: set[str]) -> dict[str, str]:
        context = {"event": event, "conversation_id": conversation_id}
        return dict.fromkeys(user_ids, render_to_string("conversations/_changed.html", context))

    def removed(self, conversation_id: str) -> str:
        context = {"conversation": {"id": conversation_id}}
        return render_to_string("conversations/_removed.html", context)

    def hidden(self, user: User) -> str:
        context = {"presence": presence_json(user, HIDDEN)}
        return render_to_string("accounts/_presence.html", context)

    def answer(self, answer: Frame) -> str:
        html = render_to_string(f"messaging/_{answer['type']}.html", {"frame": answer})
        return html.encode(errors="replace").decode()  # a `ref` may contain a lone surrogate


def _members_json(membership: Membership) -> Frame:
    if membership.conversation.member_count > MAX_MEMBERS_INCLUDED:
        return {}
    return {"members": [member_json(member) for member in members_of(membership)]}


FRAMES: dict[Encoding, JsonFrames | HtmlFrames] = {
    Encoding.JSON: JsonFrames(Encoding.JSON),
    Encoding.JSON_BATCH: JsonFrames(Encoding.JSON_BATCH),
    Encoding.HTML: HtmlFrames(),
}
