"""The sockets: `/ws` speaks JSON to programs, `/ws/page` HTML fragments to the page."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

from accounts.authentication import find_login
from accounts.events import LOGIN_ENDED
from accounts.models import User
from accounts.presence import is_hiding
from chatflow import limits
from chatflow.hub import hub
from chatflow.limits import SOCKETS_AT_ONCE, Crowd, Pace, TooMany, spend
from chatflow.proxies import socket_address
from chatflow.realtime import (
    Face,
    conversation_of,
    conversation_topic,
    presence_topic,
    user_topic,
)
from chatflow.sockets import LiveConsumer, NotSignedIn, Over, in_thread
from conversations.models import Membership
from messaging.commands import run_frame, run_frames
from messaging.frames import FRAMES, Frame
from messaging.handshake import FACES, Visitor, chosen_subprotocol, find_browser, find_visitor

_crowd = Crowd(SOCKETS_AT_ONCE)


@dataclass(frozen=True)
class Change:
    """Where the conversations of a socket stand, and which it has just begun or ceased to hear."""

    heads: list[Frame]
    begun: set[str]
    ceased: set[str]
    has_missed: bool  # something else meanwhile


class MemberConsumer(LiveConsumer):
    """Any socket of somebody who is signed in: it hears exactly their conversations."""

    user: User
    watched: frozenset[str] = frozenset()  # presence topics
    is_counted = False
    _expiry: asyncio.TimerHandle | None = None

    def __init__(self) -> None:
        super().__init__()
        self._pace = Pace(limits.FRAMES)
        self._refusals = Pace(limits.REFUSALS)

    async def authenticate(self) -> str | None:
        visitor = await in_thread(self._let_in)
        self.user = visitor.login.user
        self.login_id, self.user_id = str(visitor.login.id), str(self.user.id)
        _crowd.enter(self.user_id)
        self.is_counted = True
        if visitor.expires_in is not None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(visitor.expires_in, self.end, LOGIN_ENDED)
        return self.choose_face()

    def _let_in(self) -> Visitor:
        spend(limits.SOCKETS_FROM, address=socket_address(self.scope))
        visitor = self.find_visitor()
        if visitor is None:
            raise NotSignedIn
        spend(limits.SOCKETS_OF, person=visitor.login.user_id)
        return visitor

    def _vanish(self) -> None:
        super()._vanish()
        if self.is_counted:
            self.is_counted = False
            _crowd.leave(self.user_id)
        if self._expiry:
            self._expiry.cancel()

    def find_visitor(self) -> Visitor | None:
        raise NotImplementedError

    def choose_face(self) -> str | None:
        """Sets the face; answers the subprotocol that goes with it."""
        raise NotImplementedError

    async def answer(self, text: str) -> str:
        answers, frame = await in_thread(self._answer, text)
        for answer in answers:
            if "presence" in answer:
                await self._watch(answer["presence"])
        self.is_flooding = not self._bears_with(answers)
        return frame

    def _bears_with(self, answers: list[Frame]) -> bool:
        """False for whoever goes on although they have been told to wait, again and again."""
        try:
            for answer in answers:
                if answer.get("status") == TooMany.status:
                    self._refusals.spend()
        except TooMany:
            return False
        return True

    def _answer(self, text: str) -> tuple[list[Frame], str]:
        run = run_frames if self.face == Face.JSON_BATCH else run_frame
        answers = run(self.user, text, self._pace)
        return answers, FRAMES[self.face].answers(answers)

    async def _watch(self, people: list[Frame]) -> None:
        before = self.watched
        self.watched = frozenset(presence_topic(person["user"]["id"]) for person in people)
        if no_more := before - self.watched:
            hub().leave(self, *no_more)
        await self.hear(dict.fromkeys(self.watched - before, 0))

    # --- what it hears ---------------------------------------------------------------------------

    async def begin(self) -> None:
        async with self.aside() as frames:
            change = await self._follow(frames)
            frames.insert(0, await in_thread(self._ready, change))

    def catch_up(self) -> asyncio.Task[None]:
        return self.tasks.start(self._catch_up())

    async def _catch_up(self) -> None:
        async with self.aside() as frames:
            change = await self._follow(frames)
            frames[:0] = await in_thread(self._changes_and_ready, change)
        if is_hiding(self.user):
            await self._watch([])

    def join(self, conversation_id: str) -> None:
        self.tasks.start(self._join(conversation_id))

    async def _join(self, conversation_id: str) -> None:
        async with self.aside() as frames:
            change = await self._follow(frames)
            change.begun.add(conversation_id)  # or begun anew, when the end of it was not heard
            tell = self._changes_and_ready if change.has_missed else self._changes
            frames[:0] = await in_thread(tell, change)

    async def _follow(self, frames: list[str]) -> Change:
        """Hears what is theirs and nothing else.

        Read once more after each change, so that nothing falls between reading and joining, and
        nobody hears a conversation that they left in between.
        """
        before, has_missed = hub().topics_of(self), False
        while not self.is_over:
            heads = await in_thread(self._read_heads)
            heard = hub().topics_of(self)
            watched = self.watched & heard  # but for those who may not be watched any more
            theirs = _versions(heads) | dict.fromkeys([user_topic(self.user_id), *watched], 0)
            if heard == theirs.keys():
                begun, ceased = _conversations(heard - before), _conversations(before - heard)
                return Change(heads, begun, ceased, has_missed)
            if foreign := heard - theirs.keys():
                hub().leave(self, *foreign)
                frames.clear()  # some may come from there
                has_missed = True
            await self.hear({name: theirs[name] for name in theirs.keys() - heard})
        raise Over(0)

    # --- what it is told about that, in a thread -------------------------------------------------

    def _read_heads(self) -> list[Frame]:
        return list(Membership.objects.active().of(self.user).heads())

    def _changes_and_ready(self, change: Change) -> list[str]:
        return [*self._changes(change), self._ready(change)]

    def _changes(self, change: Change) -> list[str]:
        told: list[str] = []
        for begun in change.begun:
            event = "conversation.created"
            told += FRAMES[self.face].conversation(event, begun, {self.user_id}).values()
        return told + [FRAMES[self.face].removed(ceased) for ceased in change.ceased]

    def _ready(self, change: Change) -> str:
        """Only now can the end of the login not be missed any more, so it is asked for again."""
        login = find_login(uuid.UUID(self.login_id))
        if login is None:
            raise Over(LOGIN_ENDED)
        self.user = login.user
        return FRAMES[self.face].ready(self.user, change.heads)


class ApiConsumer(MemberConsumer):
    """JSON for programs."""

    def find_visitor(self) -> Visitor | None:
        return find_visitor(self.scope)

    def choose_face(self) -> str | None:
        subprotocol = chosen_subprotocol(self.scope)
        self.face = FACES[subprotocol] if subprotocol else Face.JSON
        return subprotocol


class PageConsumer(MemberConsumer):
    """Server-rendered fragments for the page."""

    face = Face.HTML

    def find_visitor(self) -> Visitor | None:
        return find_browser(self.scope)

    def choose_face(self) -> str | None:
        return None


def _versions(heads: list[Frame]) -> dict[str, int]:
    return {conversation_topic(head["id"]): head["version"] for head in heads}


def _conversations(topics: set[str]) -> set[str]:
    return {conversation_of(topic) for topic in topics} - {""}
