"""Queries for messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from conversations.models import Conversation

if TYPE_CHECKING:  # messaging.models imports this module
    from conversations.models import Membership
    from messaging.models import Message  # noqa: F401 (named by the base)


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, membership: Membership) -> MessageQuerySet:
        """Return the messages sent after the member joined that no block hides from them."""
        return self.in_view(
            conversation_id=membership.conversation_id,
            user_id=membership.user_id,
            since_seq=membership.since_seq,
        )

    def in_view(
        self, *, conversation_id: uuid.UUID, user_id: uuid.UUID, since_seq: int
    ) -> MessageQuerySet:
        """Like `visible_to`, for prepared queries."""
        return self.filter(
            ~Q(hidden_from=user_id), conversation_id=conversation_id, seq__gt=since_seq
        )

    def visible_at(
        self, places: Iterable[tuple[Membership, list[int]]], *, user_id: uuid.UUID
    ) -> MessageQuerySet:
        """Return what the user can see at these `seq`s of their conversations."""
        visible = (
            Q(
                conversation_id=membership.conversation_id,
                seq__in=[seq for seq in seqs if seq > membership.since_seq],
            )
            for membership, seqs in places
        )
        return self.filter(reduce(or_, visible, Q(pk__in=())), ~Q(hidden_from=user_id))

    def searchable(self) -> MessageQuerySet:
        """Leave out deleted messages and system messages."""
        return self.filter(kind="text", deleted_at=None)

    def with_attachments(self) -> MessageQuerySet:
        return self.filter(attachment_count__gt=0, deleted_at=None)

    def before(self, seq: int) -> MessageQuerySet:
        return self.filter(seq__lt=seq)

    def after(self, seq: int) -> MessageQuerySet:
        return self.filter(seq__gt=seq)

    def changed_since(self, version: int) -> MessageQuerySet:
        return self.filter(version__gt=version).order_by("version")

    def newest_of(self, conversation_ids: Iterable[uuid.UUID]) -> MessageQuerySet:
        """Return the last message of each conversation, in one query. For prepared queries too.

        A subquery looks each of them up by its index. With a join, PostgreSQL would read all the
        messages of all these conversations if one of them is long.
        """
        last = self.model.objects.filter(conversation=OuterRef("id"), seq=OuterRef("last_seq"))
        wanted = Conversation.objects.filter(id__in=conversation_ids)
        return self.filter(id__in=wanted.values_list(Subquery(last.values("id")[:1])))

    def newest_first(self) -> MessageQuerySet:
        """Order by time, for messages of several conversations. Within one, order by `seq`."""
        return self.order_by("-created_at", "-seq")

    def with_sender(self) -> MessageQuerySet:
        return self.select_related("sender")

    def without_relations(self) -> MessageQuerySet:
        """Load only the fields that search needs."""
        return self.only(
            *("conversation_id", "seq", "kind", "sender_id", "sealed_body", "created_at"),
            "attachment_count",
        )
