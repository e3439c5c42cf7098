"""The consumers: `/ws` sends JSON to programs, `/ws/page` sends HTML fragments to the page."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from django.http import QueryDict

from accounts.auth.authentication import find_login
from accounts.auth.middleware import PAGE_USER_PARAMETER
from accounts.events import LOGIN_ENDED
from accounts.models import User
from chatflow.limits import policy as limits
from chatflow.limits.policy import SOCKETS_AT_ONCE, ConnectionCounter, RateMeter, TooMany, consume
from chatflow.live.encoding import Encoding, build_frame, split_into_batches
from chatflow.live.events import (
    conversation_of,
    conversation_topic,
    presence_of,
    presence_topic,
    user_topic,
)
from chatflow.live.hub import hub
from chatflow.live.sockets import CloseSocket, LiveConsumer, NotSignedIn, in_thread
from chatflow.server.proxies import socket_address
from conversations.listing import sync_states
from messaging.receipts import Receipt
from messaging.sockets import receipt_gathering
from messaging.sockets.commands import refused, run_frame, run_frames
from messaging.sockets.frames import FRAMES, Frame
from messaging.sockets.handshake import (
    ENCODINGS,
    AuthenticatedClient,
    authenticate_handshake,
    chosen_subprotocol,
    find_browser,
)
from messaging.sockets.presence_broadcaster import watchable

open_sockets = ConnectionCounter(SOCKETS_AT_ONCE)


@dataclass(frozen=True)
class Sync:
    """The result of synchronizing a socket's subscriptions with the database."""

    states: list[Frame]  # of all conversations of the user
    joined: set[str]  # ids of the conversations that were subscribed to
    left: set[str]  # ids of the conversations that were unsubscribed from
    has_dropped_frames: bool  # if true, the client needs a new `ready` to find gaps


class MemberConsumer(LiveConsumer):
    """The socket of a user. It is subscribed to exactly the conversations of that user."""

    user: User
    watched: frozenset[str] = frozenset()  # presence topics
    _is_counted = False
    _to_watch: list[Frame] | None = None  # the answer to the last `watch` command
    _expiry: asyncio.TimerHandle | None = None

    def __init__(self) -> None:
        super().__init__()
        self._frame_rate = RateMeter(limits.FRAMES)
        self._refusal_rate = RateMeter(limits.REFUSALS)

    # --- opening and closing ---------------------------------------------------------------------

    async def authenticate(self) -> str | None:
        client = await in_thread(self._authenticate)
        self.user = client.login.user
        self.login_id, self.user_id = str(client.login.id), str(self.user.id)
        open_sockets.enter(self.user_id)
        self._is_counted = True
        if client.expires_in is not None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(client.expires_in, self.close, LOGIN_ENDED)
        return self.negotiate_encoding()

    def _authenticate(self) -> AuthenticatedClient:
        consume(limits.SOCKETS_FROM, address=socket_address(self.scope))
        client = self.authenticate_handshake()
        if client is None:
            raise NotSignedIn
        consume(limits.SOCKETS_OF, person=client.login.user_id)
        return client

    def authenticate_handshake(self) -> AuthenticatedClient | None:
        raise NotImplementedError

    def negotiate_encoding(self) -> str | None:
        """Set the encoding, and return the subprotocol that the client has asked for."""
        return None

    async def start(self) -> None:
        async with self.deferred() as frames:
            sync = await self._sync(frames)
            frames.insert(0, await in_thread(self._ready, sync))

    def disconnected(self) -> None:
        super().disconnected()
        if self._is_counted:
            self._is_counted = False
            open_sockets.leave(self.user_id)
        if self._expiry:
            self._expiry.cancel()

    # --- commands --------------------------------------------------------------------------------

    async def answers(self, text: str) -> AsyncIterator[str]:
        self._receipts: list[tuple[Receipt, Frame]] = []
        batches = split_into_batches(self._run(text))
        while batch := await in_thread(lambda: next(batches, [])):
            people, self._to_watch = self._to_watch, None
            if people is not None:
                await self._watch(people)
            yield build_frame(self.encoding, batch)
            if people:  # a membership or block may have changed before the subscription
                await self._recheck_watched()
        if self._receipts:
            self.tasks.start(self._record_receipts(self._receipts))

    async def _record_receipts(self, receipts: list[tuple[Receipt, Frame]]) -> None:
        """Answer the receipts when they are committed. Other commands are answered meanwhile."""
        recording = (receipt_gathering.record(receipt) for receipt, _answer in receipts)
        outcomes = await asyncio.gather(*recording, return_exceptions=True)
        answers = [
            refused(answer["ref"], outcome) if isinstance(outcome, Exception) else answer
            for (_receipt, answer), outcome in zip(receipts, outcomes, strict=True)
        ]
        for frame in await in_thread(self._built, answers):
            self.enqueue(frame)

    def _built(self, answers: list[Frame]) -> list[str]:
        texts = map(FRAMES[self.encoding].answer, answers)
        return [build_frame(self.encoding, batch) for batch in split_into_batches(texts)]

    def _run(self, text: str) -> Iterator[str]:
        """Run the commands and yield their answers, until the client ignores too many refusals."""
        run = run_frames if self.encoding == Encoding.JSON_BATCH else run_frame
        for answer in run(self.user, text, self._frame_rate):
            if "receipt" in answer:
                self._receipts.append((answer.pop("receipt"), answer))
                continue
            if "presence" in answer:
                self._to_watch = answer["presence"]
            yield FRAMES[self.encoding].answer(answer)
            if answer.get("status") == TooMany.status:
                try:
                    self._refusal_rate.consume()
                except TooMany:
                    self.is_flooding = True
                    return

    # --- presence --------------------------------------------------------------------------------

    async def _watch(self, people: list[Frame]) -> None:
        before = self.watched & hub().topics_of(self)
        self.watched = frozenset(presence_topic(person["user"]["id"]) for person in people)
        if removed := before - self.watched:
            hub().unsubscribe(self, *removed)
        await self.subscribe(dict.fromkeys(self.watched - before, 0))

    def recheck_watched(self) -> None:
        if self.watched:
            self.tasks.start(self._recheck_watched())

    async def _recheck_watched(self) -> None:
        async with self.deferred() as frames:
            frames[:0] = await self._stop_watching_hidden()

    async def _stop_watching_hidden(self) -> list[str]:
        """Unsubscribe from users whom this user may not watch. Return frames that report it."""
        watched = {presence_of(topic) for topic in self.watched & hub().topics_of(self)}
        hidden = await in_thread(self._hidden_among, watched) if watched else {}
        if hidden:
            hub().unsubscribe(self, *map(presence_topic, hidden))
        return list(hidden.values())

    def _hidden_among(self, user_ids: set[str]) -> dict[str, str]:
        people = User.objects.filter(id__in=user_ids)
        visible = set(watchable(self.user, people))
        hide = FRAMES[self.encoding].hidden
        return {str(person.id): hide(person) for person in people if person not in visible}

    # --- subscriptions ---------------------------------------------------------------------------

    def catch_up(self) -> asyncio.Task[None]:
        return self.tasks.start(self._catch_up())

    async def _catch_up(self) -> None:
        async with self.deferred() as frames:
            sync = await self._sync(frames)
            hidden = await self._stop_watching_hidden()
            frames[:0] = [*hidden, *await in_thread(self._changes_and_ready, sync)]

    def join(self, conversation_id: str) -> None:
        self.tasks.start(self._join(conversation_id))

    async def _join(self, conversation_id: str) -> None:
        async with self.deferred() as frames:
            sync = await self._sync(frames)
            sync.joined.add(conversation_id)  # even if the event of having left it was lost
            build = self._changes_and_ready if sync.has_dropped_frames else self._changes
            frames[:0] = await in_thread(build, sync)

    async def _sync(self, frames: list[str]) -> Sync:
        """Subscribe to the user's conversations and unsubscribe from all others.

        Memberships are read again after each change, until nothing has to change. Thus no event is
        missed between reading and subscribing, and conversations left in between are noticed.
        """
        before, has_dropped_frames = hub().since_seqs(self), False
        while not self.is_closed:
            states = await in_thread(self.read_states)
            actual = hub().since_seqs(self)
            watched = self.watched & actual.keys()
            wanted = _by_topic(states, "since_seq")
            wanted |= dict.fromkeys([user_topic(self.user_id), *watched], 0)
            if actual == wanted:
                # Items also differ if the user has left and come back, which changes `since_seq`.
                joined = {conversation_of(topic) for topic, _ in actual.items() - before.items()}
                left = {conversation_of(topic) for topic in before.keys() - actual.keys()}
                return Sync(states, joined - {""}, left - {""}, has_dropped_frames)
            if foreign := dict(actual.items() - wanted.items()):
                hub().unsubscribe(self, *foreign)
                frames.clear()  # some may belong to a conversation that the user has left
                has_dropped_frames = True
            missing = dict(wanted.items() - actual.items())
            versions = _by_topic(states, "version")
            await self.subscribe({topic: versions.get(topic, 0) for topic in missing}, missing)
        raise CloseSocket(0)

    # --- frames, built in a thread ---------------------------------------------------------------

    def read_states(self) -> list[Frame]:
        """Return the sync state of each conversation of the user."""
        return sync_states(self.user)

    def _changes_and_ready(self, sync: Sync) -> list[str]:
        return [*self._changes(sync), self._ready(sync)]

    def _changes(self, sync: Sync) -> list[str]:
        frames = FRAMES[self.encoding]
        built: list[str] = []
        listed = {str(state["id"]) for state in sync.states if state["is_listed"]}
        for joined in sync.joined & listed:
            built += frames.conversation("conversation.created", joined, {self.user_id}).values()
        return built + [frames.removed(left) for left in sync.left]

    def _ready(self, sync: Sync) -> str:
        """Return the `ready` frame. Check the login again, because the event of its end was not
        received before the socket subscribed."""
        login = find_login(uuid.UUID(self.login_id))
        if login is None:
            raise CloseSocket(LOGIN_ENDED)
        self.user = login.user
        return FRAMES[self.encoding].ready(self.user, sync.states)


class ApiConsumer(MemberConsumer):
    """JSON for programs."""

    def authenticate_handshake(self) -> AuthenticatedClient | None:
        return authenticate_handshake(self.scope)

    def negotiate_encoding(self) -> str | None:
        subprotocol = chosen_subprotocol(self.scope)
        self.encoding = ENCODINGS[subprotocol] if subprotocol else Encoding.JSON
        return subprotocol


class PageConsumer(MemberConsumer):
    """Server-rendered fragments for the page."""

    encoding = Encoding.HTML

    def authenticate_handshake(self) -> AuthenticatedClient | None:
        """Return None also if the page was made for another user, as in `PageUserMiddleware`."""
        client = find_browser(self.scope)
        page_user = QueryDict(self.scope["query_string"]).get(PAGE_USER_PARAMETER)
        is_theirs = client and page_user in (None, str(client.login.user_id))
        return client if is_theirs else None


def _by_topic(states: list[Frame], field: str) -> dict[str, int]:
    return {conversation_topic(state["id"]): state[field] for state in states}
