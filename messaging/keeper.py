"""What the hub asks of the database: who may hear what, and how it looks to them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.events import LOGIN_ENDED
from accounts.models import Login
from chatflow.hub import Hub
from chatflow.realtime import Face, Socket, conversation_of, conversation_topic
from chatflow.sockets import in_thread
from conversations.models import Membership
from messaging.frames import FRAMES
from messaging.watching import Watch

SHOWN_AT_ONCE = 100


class ConversationKeeper:
    """The hub's `Keeper`."""

    async def hearers(self, topic: str, user_ids: set[str]) -> set[str]:
        return await in_thread(_members, conversation_of(topic), user_ids)

    async def refresh(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        for face in Face:
            same = [socket for socket in sockets if socket.face == face]
            for start in range(0, len(same), SHOWN_AT_ONCE):
                await _show(conversation_id, same[start : start + SHOWN_AT_ONCE], face)

    async def accompany(self, hub: Hub) -> None:
        await Watch(hub).run()

    async def check(self, hub: Hub, sockets: Sequence[Socket]) -> None:
        heard = {socket: _conversations_of(hub, socket) for socket in sockets}
        versions = {name: hub.version(name) for names in heard.values() for name in names}
        rights = await in_thread(_rights, sockets)
        for socket in sockets:
            rightful = rights.topics[socket.user_id]
            if socket.login_id not in rights.logins:
                socket.end(LOGIN_ENDED)
            elif rightful not in (heard[socket], _conversations_of(hub, socket)):
                socket.catch_up()
        for name, version in versions.items():
            hub.compare(name, version, stored=rights.versions.get(name, version))


@dataclass(frozen=True)
class _Rights:
    logins: set[str]
    topics: dict[str, set[str]]  # by user
    versions: dict[str, int]  # by topic


def _rights(sockets: Sequence[Socket]) -> _Rights:
    living = Login.objects.living().filter(id__in={socket.login_id for socket in sockets})
    memberships = Membership.objects.active().filter(
        user_id__in={socket.user_id for socket in sockets}
    )
    rights = _Rights({str(login.id) for login in living.only("id")}, defaultdict(set), {})
    heads = memberships.values_list("user_id", "conversation_id", "conversation__version")
    for user_id, conversation_id, version in heads:
        name = conversation_topic(conversation_id)
        rights.topics[str(user_id)].add(name)
        rights.versions[name] = version
    return rights


def _members(conversation_id: str, user_ids: set[str]) -> set[str]:
    members = Membership.objects.active().in_conversation(uuid.UUID(conversation_id))
    return {
        str(each) for each in members.filter(user_id__in=user_ids).values_list("user_id", flat=True)
    }


async def _show(conversation_id: str, sockets: list[Socket], face: Face) -> None:
    user_ids = {socket.user_id for socket in sockets}
    frames = await in_thread(
        FRAMES[face].conversation, "conversation.updated", conversation_id, user_ids
    )
    for socket in sockets:
        if frame := frames.get(socket.user_id):
            socket.offer(frame)


def _conversations_of(hub: Hub, socket: Socket) -> set[str]:
    return {name for name in hub.topics_of(socket) if conversation_of(name)}
