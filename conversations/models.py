"""Conversations, and the memberships of their members."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property  # prefetch_related sets only Django's own kind
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from conversations.encryption import envelope as encryption
from conversations.querysets import ConversationQuerySet, MembershipQuerySet

logger = logging.getLogger(__name__)

MAX_TITLE_LENGTH = 100  # characters
MIN_GROUP_SIZE = 3  # at the start; a group may shrink
MAX_GROUP_SIZE = 1024
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)  # value of `muted_until`


class Conversation(models.Model):
    """A direct chat of two people, or a group.

    Every change of its messages or members locks its row first.
    """

    class Kind(models.TextChoices):
        DIRECT = "direct", _("direct chat")
        GROUP = "group", _("group")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=MAX_TITLE_LENGTH, blank=True)
    # Identifies the two people of a direct chat; see `direct_key_of`.
    direct_key = models.CharField(max_length=65, null=True, editable=False)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)
    active_at = models.DateTimeField(_("last activity"))
    last_seq = models.PositiveBigIntegerField(default=0)  # `seq` of the newest message
    version = models.PositiveBigIntegerField(default=0)  # counts the changes to messages
    delivered_seq = models.PositiveBigIntegerField(default=0)  # all members have received it
    read_seq = models.PositiveBigIntegerField(default=0)  # all members have read it
    member_count = models.PositiveIntegerField(default=0)
    wrapped_key = models.BinaryField()  # encrypts the messages; see `encryption`

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["direct_key"], name="direct_chats_are_unique"),
            models.CheckConstraint(
                condition=Q(kind="direct", direct_key__isnull=False)
                | Q(kind="group", direct_key=None),
                name="only_direct_chats_have_a_direct_key",
            ),
        ]
        indexes = [
            # The list of the admin. An index on `active_at` would change with every message.
            models.Index(fields=["-created_at", "-id"], name="conversations_newest_first")
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)

    @property
    def is_direct(self) -> bool:
        return self.kind == self.Kind.DIRECT

    @cached_property
    def participants(self) -> list[Membership]:
        """Both memberships of a direct chat. `MembershipQuerySet.for_display` prefetches them."""
        return list(self.memberships.with_user())


class Membership(models.Model):
    """A user's membership in a conversation.

    The row remains when the member leaves, and is updated when they come back.
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        ADMIN = "admin", _("admin")
        MEMBER = "member", _("member")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="memberships", db_index=False
    )  # no index: the first unique constraint begins with it
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships"
    )  # accounts are anonymized, never deleted
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    since_seq = models.PositiveBigIntegerField(default=0)  # the member sees later messages only
    delivered_seq = models.PositiveBigIntegerField(default=0)
    read_seq = models.PositiveBigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True)
    archived = models.BooleanField(default=False)
    pinned = models.BooleanField(default=False)
    marked_unread = models.BooleanField(default=False)  # until it is opened
    sealed_draft = models.BinaryField(default=b"")  # an unsent message

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="memberships_are_unique"),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(role="owner", left_at=None),
                name="groups_have_at_most_one_owner",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "conversation"],
                name="active_memberships_of_user",
                condition=Q(left_at=None),
            ),
            models.Index(
                fields=["conversation", "read_seq"],
                name="members_by_read_seq",
                condition=Q(left_at=None),
            ),
            models.Index(
                fields=["conversation", "delivered_seq"],
                name="members_by_delivered_seq",
                condition=Q(left_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.joined_at:%Y-%m-%d}"

    @property
    def is_admin(self) -> bool:
        return self.role in (self.Role.OWNER, self.Role.ADMIN)

    @property
    def is_owner(self) -> bool:
        return self.role == self.Role.OWNER

    @property
    def unread_count(self) -> int:
        return self.conversation.last_seq - self.read_seq

    @property
    def is_unread(self) -> bool:
        return self.marked_unread or self.unread_count > 0

    @property
    def draft(self) -> str:
        """The decrypted draft. It is encrypted like a message, with the user's id as message id."""
        if not self.sealed_draft:
            return ""
        try:
            return encryption.opened(
                self.sealed_draft, conversation=self.conversation, message_id=self.user_id
            )
        except encryption.CannotBeRead:
            logger.error("a draft in conversation %s cannot be read", self.conversation_id)
            return ""

    @property
    def counterpart(self) -> User | None:
        """The other person of a direct chat."""
        if not self.conversation.is_direct:
            return None
        users = (participant.user for participant in self.conversation.participants)
        return next((user for user in users if user.id != self.user_id), None)

    @property
    def title(self) -> str:
        """The group's title, or the other person's name in a direct chat."""
        if not self.conversation.is_direct:
            return self.conversation.title
        return self.counterpart.name if self.counterpart else gettext("Deleted account")

    @property
    def avatar_url(self) -> str | None:
        return self.counterpart.avatar_url if self.counterpart else None
