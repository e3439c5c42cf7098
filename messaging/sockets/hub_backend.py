"""The hub's access to the database: who may read a topic, and how each member sees it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.events import LOGIN_ENDED
from accounts.models import Block, Login
from accounts.presence import hiding_among, note_last_seen
from chatflow.live.encoding import Encoding
from chatflow.live.events import conversation_of, conversation_topic, presence_of
from chatflow.live.hub import Hub, hub
from chatflow.live.sockets import in_thread
from chatflow.live.topics import Socket
from chatflow.server import lifecycle
from conversations.models import Membership
from messaging.attachments.services import delete_expired
from messaging.sockets.frames import FRAMES
from messaging.sockets.presence_broadcaster import PresenceBroadcaster

logger = logging.getLogger(__name__)

REFRESHED_AT_ONCE = 100
CLEAN_UP_SECONDS = 60 * 60


@lifecycle.on_drain
async def note_departures() -> None:
    """Note all connected users as last seen now. No tick does it after the sockets are closed."""
    await in_thread(note_last_seen, {socket.user_id for socket in hub().sockets})


class ConversationHubBackend:
    """Implement `HubBackend` for conversations and presence."""

    async def subscribers_allowed(self, topic: str, user_ids: set[str]) -> dict[str, int]:
        return await in_thread(_since_seqs, conversation_of(topic), user_ids)

    async def refresh(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        for encoding in Encoding:
            same = [socket for socket in sockets if socket.encoding == encoding]
            for start in range(0, len(same), REFRESHED_AT_ONCE):
                await _refresh(conversation_id, same[start : start + REFRESHED_AT_ONCE], encoding)

    async def run(self, hub: Hub) -> None:
        await asyncio.gather(PresenceBroadcaster(hub).run(), _delete_expired_uploads())

    async def recheck(self, hub: Hub, sockets: Sequence[Socket]) -> None:
        actual = {socket: _conversations_of(hub, socket) for socket in sockets}
        versions = {topic: hub.version(topic) for topics in actual.values() for topic in topics}
        permissions = await in_thread(_read_permissions, sockets)
        for socket in sockets:
            allowed = permissions.topics[socket.user_id]
            if socket.login_id not in permissions.logins:
                socket.close(LOGIN_ENDED)
            elif allowed not in (actual[socket], _conversations_of(hub, socket)):
                socket.catch_up()
            elif permissions.hides_any(socket.user_id, _watched_by(hub, socket)):
                socket.recheck_watched()
        for topic, version in versions.items():
            hub.compare_version(topic, version, stored=permissions.versions.get(topic, version))


@dataclass(frozen=True)
class _Permissions:
    logins: set[str]
    topics: dict[str, dict[str, int]]  # by user, the `since_seq` of each topic
    versions: dict[str, int]  # by topic
    hiding: set[str]  # users who hide their presence and therefore see nobody's
    blocked: dict[str, set[str]]  # by user, the users whom a block hides from them

    def hides_any(self, user_id: str, watched: set[str]) -> bool:
        """Return whether a block or a setting hides any of these users from this one.

        The end of a common conversation needs no check here: it changes the conversation's version.
        """
        return bool(watched if user_id in self.hiding else watched & self.blocked[user_id])


def _read_permissions(sockets: Sequence[Socket]) -> _Permissions:
    user_ids = {socket.user_id for socket in sockets}
    active = Login.objects.active().filter(id__in={socket.login_id for socket in sockets})
    permissions = _Permissions(
        logins={str(login.id) for login in active.only("id")},
        topics=defaultdict(dict),
        versions={},
        hiding=hiding_among(user_ids),
        blocked=Block.objects.by_user(user_ids),
    )
    memberships = Membership.objects.active().filter(user_id__in=user_ids)
    for user_id, conversation_id, since_seq, version in memberships.values_list(
        "user_id", "conversation_id", "since_seq", "conversation__version"
    ):
        topic = conversation_topic(conversation_id)
        permissions.topics[str(user_id)][topic] = since_seq
        permissions.versions[topic] = version
    return permissions


def _since_seqs(conversation_id: str, user_ids: set[str]) -> dict[str, int]:
    members = Membership.objects.active().in_conversation(uuid.UUID(conversation_id))
    since_seqs = members.filter(user_id__in=user_ids).values_list("user_id", "since_seq")
    return {str(user_id): since_seq for user_id, since_seq in since_seqs}


async def _delete_expired_uploads() -> None:
    """Delete uploads that were never sent, every hour. Several processes may do it at once."""
    while True:
        try:
            while await in_thread(delete_expired):
                pass
        except Exception:
            logger.exception("expired uploads could not be deleted")
        await asyncio.sleep(CLEAN_UP_SECONDS)


async def _refresh(conversation_id: str, sockets: list[Socket], encoding: Encoding) -> None:
    user_ids = {socket.user_id for socket in sockets}
    frames = await in_thread(
        FRAMES[encoding].conversation, "conversation.updated", conversation_id, user_ids
    )
    for socket in sockets:
        if frame := frames.get(socket.user_id):
            socket.enqueue(frame)


def _watched_by(hub: Hub, socket: Socket) -> set[str]:
    return {presence_of(topic) for topic in hub.topics_of(socket)} - {""}


def _conversations_of(hub: Hub, socket: Socket) -> dict[str, int]:
    return {topic: seq for topic, seq in hub.since_seqs(socket).items() if conversation_of(topic)}
