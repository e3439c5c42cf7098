"""Invariants of conversations and messages, whatever the users do and in whatever order.

Hypothesis generates sequences of actions by five users and checks the invariants after each action.
It is derandomized, so every run has the same actions. Raise MAX_EXAMPLES to test more of them.
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

MAX_EXAMPLES, MAX_STEPS = 25, 50
NAMES = ("alice", "bob", "carol", "dave", "mallory")
NUMBERS = (0, 1, 2, 3, 5, 8, 100, 2**40)

people = st.sampled_from(NAMES)
places = st.sampled_from(("direct", "group"))
numbers = st.sampled_from(NUMBERS)
ids = st.integers(min_value=1, max_value=6).map(lambda number: uuid.UUID(int=number))
bodies = st.sampled_from(("hi", "ho", "Straße", "一二三"))
emojis = st.sampled_from(("👍", "🌷"))


class Conversations(RuleBasedStateMachine):
    """Actions of users. A refused action changes nothing, so the invariants hold after it too."""

    committing: Callable[..., AbstractContextManager]  # runs the callbacks that wait for a commit
    users: dict[str, User]
    conversations: dict[str, Conversation]

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.last_counters: dict[tuple[str, int], tuple[int, ...]] = {}
        self.places: dict[uuid.UUID, tuple[uuid.UUID, int]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def act(self, who, where, action, **kwargs):
        try:
            member = find_membership(self.users[who], self.conversations[where].id)
            with self.committing(execute=True):
                return action(membership=member, **kwargs)
        except DomainError:
            return None

    # --- actions

    @rule(who=people, where=places, body=bodies, id_=ids, reply=st.none() | ids)
    def send(self, who, where, body, id_, reply):
        sent = self.act(who, where, send_message, body=body, message_id=id_, reply_to=reply)
        if sent:
            message, _is_new = sent
            place = (message.conversation_id, message.seq)
            assert self.places.setdefault(id_, place) == place

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
        action=st.sampled_from((react, withdraw_reaction)),
    )
    def react_or_withdraw(self, who, where, id_, emoji, action):
        self.act(who, where, action, message_id=id_, emoji=emoji)

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
        """The changes since version 0 contain every message that the member can see."""
        found = self.act(
            who, where, lambda membership: (membership, history.changes(membership, 0))
        )
        if found:
            member, changes = found
            assert changes.version == member.conversation.version
            assert len(changes.messages) == Message.objects.visible_to(member).count()

    @rule(action=st.sampled_from((block, unblock)))
    def block_or_unblock(self, action):
        action(user=self.users["alice"], username="bob")

    # --- invariants

    @invariant()
    def seqs_have_no_gaps_and_versions_are_unique(self):
        for conversation in Conversation.objects.all():
            messages = Message.objects.filter(conversation=conversation)
            rows = list(messages.order_by("seq").values_list("seq", "version"))
            versions = [version for _seq, version in rows]
            assert [seq for seq, _version in rows] == list(range(1, conversation.last_seq + 1))
            assert len(set(versions)) == len(versions)
            assert max(versions, default=0) <= conversation.version

    @invariant()
    def counters_never_decrease(self):
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
        before = self.last_counters.get(what, (0,) * len(now))
        assert all(new >= old for new, old in zip(now, before, strict=True)), (what, before, now)
        self.last_counters[what] = now

    @invariant()
    def watermarks_of_members_are_ordered(self):
        for member in Membership.objects.select_related("conversation"):
            assert member.read_seq <= member.delivered_seq <= member.conversation.last_seq
            assert member.left_at or member.unread_count >= 0

    @invariant()
    def watermarks_of_conversations_are_at_most_those_of_the_members(self):
        for conversation in Conversation.objects.all():
            least = conversation.memberships.active().aggregate(
                delivered=Min("delivered_seq"), read=Min("read_seq")
            )
            assert conversation.delivered_seq <= (least["delivered"] or conversation.last_seq)
            assert conversation.read_seq <= (least["read"] or conversation.last_seq)

    @invariant()
    def groups_have_one_owner_and_a_correct_member_count(self):
        for conversation in Conversation.objects.all():
            roles = Counter(conversation.memberships.active().values_list("role", flat=True))
            assert conversation.member_count == roles.total()
            if not conversation.is_direct:
                assert roles["owner"] == (1 if roles.total() else 0)


@pytest.fixture
def machine(
    alice, bob, carol, dave, mallory, direct, group, settings, monkeypatch,
    django_capture_on_commit_callbacks,
) -> type[Conversations]:  # fmt: skip
    monkeypatch.setattr("chatflow.live.publishing.publish", lambda *events: None)
    settings.THROTTLE_ON = False
    Conversations.committing = staticmethod(django_capture_on_commit_callbacks)
    Conversations.users = {user.username: user for user in (alice, bob, carol, dave, mallory)}
    Conversations.conversations = {"direct": direct, "group": group}
    return Conversations


def test_invariants_hold_after_any_sequence_of_actions(machine):
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=MAX_EXAMPLES,
            stateful_step_count=MAX_STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
