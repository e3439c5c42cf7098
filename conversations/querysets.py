"""Queries for conversations and memberships."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, IntegerField, Min, Prefetch, Q, Value, When
from django.db.models.functions import Greatest

from accounts.names import canonical

if TYPE_CHECKING:  # conversations.models imports this module
    from accounts.models import User
    from conversations.models import Conversation, Membership  # noqa: F401 (named by the bases)


# Columns by which a socket finds out what it has missed in a conversation.
SYNC_STATE = {
    "version": "conversation__version",
    "last_seq": "conversation__last_seq",
    "delivered_seq": "conversation__delivered_seq",
    "read_seq": "conversation__read_seq",
    "own_read_seq": "read_seq",
}
# What a socket reads of each conversation.
SYNC_COLUMNS = {
    "id": "conversation_id",
    "since_seq": "since_seq",
    **SYNC_STATE,
    "is_listed": "is_listed",
}
# A new direct chat is hidden from the other person, whose `joined_at` then equals its creation.
IS_LISTED = Q(conversation__last_seq__gt=0) | Q(joined_at__gt=F("conversation__created_at"))


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def locked(self) -> ConversationQuerySet:
        """Lock the rows until the transaction ends. SQLite locks the whole database anyway."""
        return self.select_for_update()

    def between(self, one: User, other: User) -> ConversationQuerySet:
        """Return the direct chat of two users."""
        return self.filter(direct_key=direct_key_of(one.id, other.id))

    def shared_by(self, one: User, other: User) -> ConversationQuerySet:
        """Return the conversations that both are members of, their direct chat first."""
        is_active = Q(memberships__left_at=None)
        return (
            self.filter(is_active, memberships__user=one)
            .filter(is_active, memberships__user=other)
            .order_by("kind", "id")
        )


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        return self.filter(left_at=None)

    def of_reachable(self) -> MembershipQuerySet:
        """Leave out suspended and deleted users."""
        return self.filter(user__is_active=True, user__deleted_at=None)

    def listed(self) -> MembershipQuerySet:
        """Leave out direct chats without messages, except for the user who started them.

        So nobody learns that another user looked them up. They are a member nevertheless: they can
        open the chat by its id, and their sockets subscribe to it.
        """
        return self.filter(IS_LISTED)

    def of(self, user: User) -> MembershipQuerySet:
        return self.filter(user=user)

    def in_conversation(self, conversation_id: uuid.UUID) -> MembershipQuerySet:
        return self.filter(conversation_id=conversation_id)

    def in_groups(self) -> MembershipQuerySet:
        return self.filter(conversation__kind="group")

    def in_direct_chats(self) -> MembershipQuerySet:
        return self.filter(conversation__kind="direct")

    def of_username(self, username: str) -> MembershipQuerySet:
        return self.filter(user__username=canonical(username))

    def pinned(self) -> MembershipQuerySet:
        return self.filter(pinned=True, archived=False)

    def unpinned(self) -> MembershipQuerySet:
        return self.filter(pinned=False, archived=False)

    def archived(self) -> MembershipQuerySet:
        return self.filter(archived=True)

    def needing_attention(self, now: datetime) -> MembershipQuerySet:
        """Return unread conversations that are neither muted nor archived."""
        is_unread = Q(marked_unread=True) | Q(read_seq__lt=F("conversation__last_seq"))
        return self.exclude(muted_until__gt=now).filter(is_unread, archived=False)

    def newest_activity_first(self) -> MembershipQuerySet:
        return self.order_by("-conversation__active_at", "-conversation_id")

    def less_active_than(
        self, active_at: datetime, conversation_id: uuid.UUID
    ) -> MembershipQuerySet:
        """Return what follows this position in `newest_activity_first`."""
        return self.filter(
            Q(conversation__active_at__lt=active_at)
            | Q(conversation__active_at=active_at, conversation_id__lt=conversation_id)
        )

    def by_rank(self) -> MembershipQuerySet:
        """Order by role (owner, admins, members), then by time of joining."""
        rank = Case(
            When(role="owner", then=Value(0)),
            When(role="admin", then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return self.annotate(rank=rank).order_by("rank", "joined_at", "id")

    def ranked_below(self, rank: int, joined_at: datetime, id_: int) -> MembershipQuerySet:
        """Return what follows this position in `by_rank`."""
        return self.filter(
            Q(rank__gt=rank)
            | Q(rank=rank, joined_at__gt=joined_at)
            | Q(rank=rank, joined_at=joined_at, id__gt=id_)
        )

    def with_user(self) -> MembershipQuerySet:
        return self.select_related("user")

    def with_conversation(self) -> MembershipQuerySet:
        return self.select_related("conversation")

    def least_watermarks(self) -> tuple[int, int]:
        """Return the (delivered, read) watermarks that all of these members have reached."""
        least = self.aggregate(delivered=Min("delivered_seq"), read=Min("read_seq"))
        return least["delivered"] or 0, least["read"] or 0

    def advance(self, *, delivered: int, read: int) -> bool:
        """Move watermarks forward, never back. Return whether any of them moved."""
        behind = self.behind(delivered=delivered, read=read)
        return behind.update(**raised_watermarks(delivered=delivered, read=read)) > 0

    def behind(self, *, delivered: int, read: int) -> MembershipQuerySet:
        return self.filter(Q(delivered_seq__lt=delivered) | Q(read_seq__lt=read))

    def for_display(self) -> MembershipQuerySet:
        """Load the conversation and, for direct chats, both participants.

        The membership's own user is not loaded, because the caller has it.
        """
        memberships = self.model.objects.filter(conversation__kind="direct").with_user()
        return self.with_conversation().prefetch_related(
            Prefetch("conversation__memberships", queryset=memberships, to_attr="participants")
        )

    def with_key(self) -> MembershipQuerySet:
        """Load only the fields that are needed to decrypt visible messages."""
        return self.select_related("conversation").only(
            "user_id", "since_seq", "conversation__last_seq", "conversation__wrapped_key"
        )

    def sync_states(self) -> models.QuerySet[Any]:
        """Return SYNC_COLUMNS of each conversation."""
        rows = self.annotate(is_listed=Case(When(IS_LISTED, then=True), default=False))
        return rows.values_list(*SYNC_COLUMNS.values())


def direct_key_of(one: uuid.UUID, other: uuid.UUID) -> str:
    """Return the same key for both orders, so that it can be a unique constraint."""
    return ":".join(sorted((one.hex, other.hex)))


def user_ids_of(direct_key: str) -> set[uuid.UUID]:
    """Return the two user ids in a key that `direct_key_of` made."""
    return {uuid.UUID(user_id) for user_id in direct_key.split(":")}


def raised_watermarks(*, delivered: int, read: int) -> dict[str, Greatest]:
    """Return the changes of an update that moves watermarks forward, never back."""
    return {
        "delivered_seq": Greatest("delivered_seq", delivered),
        "read_seq": Greatest("read_seq", read),
    }
