"""Named questions about conversations and who is in them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, IntegerField, Min, Prefetch, Q, Value, When
from django.db.models.functions import Greatest

from accounts.names import canonical

if TYPE_CHECKING:
    from accounts.models import User
    from conversations.models import Conversation, Membership  # noqa: F401 (base classes)


HEAD = {
    "version": "conversation__version",
    "last_seq": "conversation__last_seq",
    "delivered_seq": "conversation__delivered_seq",
    "read_seq": "conversation__read_seq",
    "own_read_seq": "read_seq",
}


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def locked(self) -> ConversationQuerySet:
        """For whoever changes history or members; SQLite locks the whole database anyway."""
        return self.select_for_update()

    def between(self, one: User, other: User) -> ConversationQuerySet:
        return self.filter(pair=pair_of(one.id, other.id))

    def shared_by(self, one: User, other: User) -> ConversationQuerySet:
        """Both are in it now; their direct chat first."""
        there = Q(memberships__left_at=None)
        return (
            self.filter(there, memberships__user=one)
            .filter(there, memberships__user=other)
            .order_by("kind", "id")
        )


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        return self.filter(left_at=None)

    def of(self, user: User) -> MembershipQuerySet:
        return self.filter(user=user)

    def in_conversation(self, conversation_id: uuid.UUID) -> MembershipQuerySet:
        return self.filter(conversation_id=conversation_id)

    def in_groups(self) -> MembershipQuerySet:
        return self.filter(conversation__kind="group")

    def of_username(self, username: str) -> MembershipQuerySet:
        return self.filter(user__username=canonical(username))

    def pinned(self) -> MembershipQuerySet:
        return self.filter(pinned=True, archived=False)

    def unpinned(self) -> MembershipQuerySet:
        return self.filter(pinned=False, archived=False)

    def archived(self) -> MembershipQuerySet:
        return self.filter(archived=True)

    def newest_activity_first(self) -> MembershipQuerySet:
        return self.order_by("-conversation__active_at", "-conversation_id")

    def less_active_than(
        self, active_at: datetime, conversation_id: uuid.UUID
    ) -> MembershipQuerySet:
        """What follows this position in `newest_activity_first`."""
        return self.filter(
            Q(conversation__active_at__lt=active_at)
            | Q(conversation__active_at=active_at, conversation_id__lt=conversation_id)
        )

    def by_rank(self) -> MembershipQuerySet:
        """Owner, admins, members; the longest-standing first."""
        rank = Case(
            When(role="owner", then=Value(0)),
            When(role="admin", then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return self.annotate(rank=rank).order_by("rank", "joined_at", "id")

    def with_user(self) -> MembershipQuerySet:
        return self.select_related("user")

    def with_conversation(self) -> MembershipQuerySet:
        return self.select_related("conversation")

    def least_watermarks(self) -> tuple[int, int]:
        """(delivered, read) that all of these members have reached."""
        least = self.aggregate(delivered=Min("delivered_seq"), read=Min("read_seq"))
        return least["delivered"] or 0, least["read"] or 0

    def advance(self, *, delivered: int, read: int) -> bool:
        """Moves watermarks, never back: of two devices at once, the further one wins.

        Answers whether any of them moved.
        """
        behind = self.filter(Q(delivered_seq__lt=delivered) | Q(read_seq__lt=read))
        moved = behind.update(
            delivered_seq=Greatest("delivered_seq", Value(delivered)),
            read_seq=Greatest("read_seq", Value(read)),
        )
        return moved > 0

    def for_display(self) -> MembershipQuerySet:
        """With the conversation and, for direct chats, both people. Whose memberships they are,
        whoever asks knows.
        """
        people = self.model.objects.filter(conversation__kind="direct").with_user()
        both = Prefetch("conversation__memberships", queryset=people, to_attr="both")
        return self.with_conversation().prefetch_related(both)

    def with_key(self) -> MembershipQuerySet:
        """With no more than it takes to read what is said to them."""
        return self.select_related("conversation").only(
            "user_id", "since_seq", "conversation__last_seq", "conversation__wrapped_key"
        )

    def heads(self) -> list[dict[str, object]]:
        """Where each conversation stands: what a socket compares with what it has."""
        heads = self.values_list("conversation_id", *HEAD.values())
        return [{"id": id_} | dict(zip(HEAD, head, strict=True)) for id_, *head in heads]


def pair_of(one: uuid.UUID, other: uuid.UUID) -> str:
    """The same for both orders, so that a unique constraint can know it."""
    return ":".join(sorted((one.hex, other.hex)))
