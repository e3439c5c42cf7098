"""Whatever people do, in whatever order: what is always true of a conversation.

Hypothesis makes up a few hundred steps by the whole cast, and looks after each. It is derandomized,
so the steps are the same on every run; change MOST_EXAMPLES to look further.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import hypothesis
import pytest
from django.db import transaction
from django.db.models import Min
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import User
from accounts.services import block, unblock
from chatflow.errors import DomainError
from conversations import services
from conversations.access import find_membership
from conversations.models import Conversation, Membership
from messaging import history
from messaging.models import Message
from messaging.receipts import acknowledge
from messaging.services import (
    delete_message,
    edit_message,
    react,
    send_message,
    withdraw_reaction,
)

MOST_EXAMPLES, MOST_STEPS = 25, 50
NAMES = ("alice", "bob", "carol", "dave", "mallory")
NUMBERS = (0, 1, 2, 3, 5, 8, 100, 2**40)

people = st.sampled_from(NAMES)
places = st.sampled_from(("direct", "group"))
numbers = st.sampled_from(NUMBERS)
ids = st.integers(min_value=1, max_value=6).map(lambda number: uuid.UUID(int=number))
bodies = st.sampled_from(("hi", "ho", "Straße", "一二三"))
emojis = st.sampled_from(("👍", "🌷"))


class Life(RuleBasedStateMachine):
    """What is refused changes nothing: the invariants hold after that as well."""

    committing: Callable[..., AbstractContextManager]  # does what follows a commit
    users: dict[str, User]
    conversations: dict[str, Conversation]

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.marks: dict[tuple[str, int], tuple[int, ...]] = {}
        self.first_said: dict[uuid.UUID, tuple[uuid.UUID, int]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def act(self, who, where, deed, **how):
        try:
            right = find_membership(self.users[who], self.conversations[where].id)
            with self.committing(execute=True):
                return deed(membership=right, **how)
        except DomainError:
            return None

    # --- what people do

    @rule(who=people, where=places, body=bodies, id_=ids, reply=st.none() | ids)
    def send(self, who, where, body, id_, reply):
        sent = self.act(who, where, send_message, body=body, message_id=id_, reply_to=reply)
        if sent:
            message, _is_new = sent
            place = (message.conversation_id, message.seq)
            assert self.first_said.setdefault(id_, place) == place

    @rule(who=people, where=places, id_=ids, body=bodies)
    def edit(self, who, where, id_, body):
        self.act(who, where, edit_message, message_id=id_, body=body)

    @rule(who=people, where=places, id_=ids)
    def delete(self, who, where, id_):
        self.act(who, where, delete_message, message_id=id_)

    @rule(
        who=people,
        where=places,
        id_=ids,
        emoji=emojis,
        deed=st.sampled_from((react, withdraw_reaction)),
    )
    def feel(self, who, where, id_, emoji, deed):
        self.act(who, where, deed, message_id=id_, emoji=emoji)

    @rule(who=people, where=places, delivered=st.none() | numbers, read=st.none() | numbers)
    def receive(self, who, where, delivered, read):
        self.act(who, where, acknowledge, delivered_seq=delivered, read_seq=read)

    @rule(who=people, whom=st.lists(people, min_size=1, max_size=3))
    def add(self, who, whom):
        self.act(who, "group", services.add_members, usernames=whom)

    @rule(who=people, whom=people)
    def remove(self, who, whom):
        self.act(who, "group", services.remove_member, username=whom)

    @rule(who=people)
    def leave(self, who):
        self.act(who, "group", services.leave)

    @rule(who=people, whom=people, role=st.sampled_from(Membership.Role.values))
    def promote(self, who, whom, role):
        role = Membership.Role(role)
        self.act(who, "group", services.change_role, username=whom, role=role)

    @rule(who=people, where=places)
    def catch_up(self, who, where):
        """Whoever asks for the changes since the beginning is told all that they may see."""
        found = self.act(
            who, where, lambda membership: (membership, history.changes(membership, 0))
        )
        if found:
            right, changes = found
            assert changes.version == right.conversation.version
            assert len(changes.messages) == Message.objects.seen_by(right).count()

    @rule(deed=st.sampled_from((block, unblock)))
    def quarrel(self, deed):
        deed(user=self.users["alice"], username="bob")

    # --- what is always true

    @invariant()
    def messages_are_counted_without_gaps_and_changes_without_ties(self):
        for conversation in Conversation.objects.all():
            messages = Message.objects.filter(conversation=conversation)
            rows = list(messages.order_by("seq").values_list("seq", "version"))
            versions = [version for _seq, version in rows]
            assert [seq for seq, _version in rows] == list(range(1, conversation.last_seq + 1))
            assert len(set(versions)) == len(versions)
            assert max(versions, default=0) <= conversation.version

    @invariant()
    def nothing_counts_backwards(self):
        for conversation in Conversation.objects.all():
            now = tuple(
                getattr(conversation, name)
                for name in ("last_seq", "version", "delivered_seq", "read_seq")
            )
            self.require_forward(("conversation", conversation.id), now)
            assert conversation.read_seq <= conversation.delivered_seq <= conversation.last_seq
        for member in Membership.objects.all():
            self.require_forward(("member", member.id), (member.delivered_seq, member.read_seq))

    def require_forward(self, what, now):
        before = self.marks.get(what, (0,) * len(now))
        assert all(new >= old for new, old in zip(now, before, strict=True)), (what, before, now)
        self.marks[what] = now

    @invariant()
    def nobody_has_read_what_is_not_there_or_not_delivered(self):
        for member in Membership.objects.select_related("conversation"):
            assert member.read_seq <= member.delivered_seq <= member.conversation.last_seq
            assert member.left_at or member.unread_count >= 0

    @invariant()
    def what_everybody_has_read_everybody_has_read(self):
        for conversation in Conversation.objects.all():
            least = conversation.memberships.active().aggregate(
                delivered=Min("delivered_seq"), read=Min("read_seq")
            )
            assert conversation.delivered_seq <= (least["delivered"] or conversation.last_seq)
            assert conversation.read_seq <= (least["read"] or conversation.last_seq)

    @invariant()
    def a_group_with_members_has_one_owner_and_knows_how_many_they_are(self):
        for conversation in Conversation.objects.all():
            roles = Counter(conversation.memberships.active().values_list("role", flat=True))
            assert conversation.member_count == roles.total()
            if not conversation.is_direct:
                assert roles["owner"] == (1 if roles.total() else 0)


@pytest.fixture
def life(
    alice, bob, carol, dave, mallory, direct, group, settings, monkeypatch,
    django_capture_on_commit_callbacks,
) -> type[Life]:  # fmt: skip
    monkeypatch.setattr("chatflow.realtime.publish", lambda *events: None)
    settings.THROTTLE_ON = False
    Life.committing = staticmethod(django_capture_on_commit_callbacks)
    Life.users = {user.username: user for user in (alice, bob, carol, dave, mallory)}
    Life.conversations = {"direct": direct, "group": group}
    return Life


def test_whatever_people_do(life):
    run_state_machine_as_test(
        life,
        settings=hypothesis.settings(
            max_examples=MOST_EXAMPLES,
            stateful_step_count=MOST_STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
