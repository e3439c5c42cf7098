"""Named questions about messages, and about what was reported of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, OuterRef, Prefetch, Q, Subquery, prefetch_related_objects
from django.utils import timezone

from conversations.models import Conversation

if TYPE_CHECKING:
    from accounts.models import User
    from conversations.models import Membership
    from messaging.models import Message, Report  # noqa: F401 (the base classes name them)


class MessageQuerySet(models.QuerySet["Message"]):
    def seen_by(self, membership: Membership) -> MessageQuerySet:
        """What this member may see: since they joined, but for what a block keeps from them."""
        return self.filter(
            ~Q(hidden_from=membership.user_id),
            conversation_id=membership.conversation_id,
            seq__gt=membership.since_seq,
        )

    def seen_at(
        self, places: Iterable[tuple[Membership, list[int]]], *, user_id: uuid.UUID
    ) -> MessageQuerySet:
        """What one person may see at these seqs of their conversations."""
        seen = (
            Q(
                conversation_id=membership.conversation_id,
                seq__in=[seq for seq in seqs if seq > membership.since_seq],
            )
            for membership, seqs in places
        )
        return self.filter(reduce(or_, seen, Q(pk__in=())), ~Q(hidden_from=user_id))

    def searchable(self) -> MessageQuerySet:
        """What people have said and not taken back; notices are nobody's words."""
        return self.filter(kind="text", deleted_at=None)

    def before(self, seq: int) -> MessageQuerySet:
        return self.filter(seq__lt=seq)

    def after(self, seq: int) -> MessageQuerySet:
        return self.filter(seq__gt=seq)

    def changed_since(self, version: int) -> MessageQuerySet:
        return self.filter(version__gt=version).order_by("version")

    def newest_of(self, conversations: Iterable[Conversation]) -> MessageQuerySet:
        """The last message of each, in one query.

        Looked up one by one inside it: joined instead, one long history in a list would make
        PostgreSQL read all the messages of all its conversations.
        """
        last = self.model.objects.filter(conversation=OuterRef("id"), seq=OuterRef("last_seq"))
        heads = Conversation.objects.filter(id__in=[each.id for each in conversations])
        return self.filter(id__in=heads.values_list(Subquery(last.values("id")[:1])))

    def newest_first(self) -> MessageQuerySet:
        """By time; a conversation's own order is by seq."""
        return self.order_by("-created_at", "-seq")

    def bare(self) -> MessageQuerySet:
        """With no more than it takes to read and to place them."""
        return self.only("conversation_id", "seq", "kind", "sender_id", "sealed_body", "created_at")

    def for_display(self) -> MessageQuerySet:
        """With everything a message's two faces show but its conversation, of which the asker has
        one already; ends every query that is shown.
        """
        return self.select_related("sender", "reply_to__sender").prefetch_related(*_reactions())


def complete(messages: Sequence[Message]) -> None:
    """Reads what `.for_display()` would have read with them."""
    prefetch_related_objects(messages, "sender", "reply_to__sender", *_reactions())


def _reactions() -> tuple[Prefetch[str], str]:
    """A list, because a manager for each message would cost more than all of the query."""
    return Prefetch("reactions", to_attr="given_reactions"), "given_reactions__user"


class ReportQuerySet(models.QuerySet["Report"]):
    def open(self) -> ReportQuerySet:
        """Nobody has seen to them yet."""
        return self.filter(resolution="")

    def by(self, user: User) -> ReportQuerySet:
        return self.filter(reporter=user)

    def resolve(self, resolution: str, *, by: User) -> int:
        """How many of them it were."""
        now = timezone.now()
        return self.update(resolution=resolution, resolved_by=by, resolved_at=now)

    def open_first(self) -> ReportQuerySet:
        """Then what was resolved last."""
        return self.order_by(F("resolved_at").desc(nulls_first=True), "-created_at", "-id")

    def for_display(self) -> ReportQuerySet:
        return self.select_related(
            "reporter", "person", "resolved_by", "conversation", "message__sender"
        )
