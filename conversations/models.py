"""Who talks with whom (Conversation) and as what (Membership)."""

from __future__ import annotations

import logging
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property  # the kind that prefetching knows
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from conversations import encryption
from conversations.querysets import ConversationQuerySet, MembershipQuerySet

logger = logging.getLogger(__name__)

TITLE_LENGTH = 100


class Conversation(models.Model):
    """Two people, or a group. Its row is locked by whatever changes its history or its members."""

    class Kind(models.TextChoices):
        DIRECT = "direct", _("direct chat")
        GROUP = "group", _("group")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=TITLE_LENGTH, blank=True)
    pair = models.CharField(max_length=65, null=True, editable=False)  # noqa: DJ001 (null: a group)
    created_at = models.DateTimeField(auto_now_add=True)
    active_at = models.DateTimeField(_("last activity"))
    last_seq = models.PositiveBigIntegerField(default=0)  # of the newest message
    version = models.PositiveBigIntegerField(default=0)  # of the newest change to a message
    delivered_seq = models.PositiveBigIntegerField(default=0)  # what every member has
    read_seq = models.PositiveBigIntegerField(default=0)  # what every member has read
    member_count = models.PositiveIntegerField(default=0)
    wrapped_key = models.BinaryField()  # encrypts this conversation's messages; see messaging

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pair"], name="two_people_have_one_direct_chat"),
            models.CheckConstraint(
                condition=Q(kind="direct", pair__isnull=False) | Q(kind="group", pair=None),
                name="only_direct_chats_have_a_pair",
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)

    @property
    def is_direct(self) -> bool:
        return self.kind == self.Kind.DIRECT

    @cached_property
    def both(self) -> list[Membership]:
        """Of a direct chat; lists fetch them for all of theirs, by `.for_display()`."""
        return list(self.memberships.with_user())


class Membership(models.Model):
    """A person's place in a conversation; it outlives leaving, so that coming back is an update."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        ADMIN = "admin", _("admin")
        MEMBER = "member", _("member")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="memberships", db_index=False
    )  # a_person_is_a_member_once begins with it
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships"
    )  # accounts are emptied, not deleted
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    since_seq = models.PositiveBigIntegerField(default=0)  # sees the messages after this one
    delivered_seq = models.PositiveBigIntegerField(default=0)
    read_seq = models.PositiveBigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True)
    archived = models.BooleanField(default=False)
    pinned = models.BooleanField(default=False)
    sealed_draft = models.BinaryField(default=b"")  # what they began to write, on any device

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "user"], name="a_person_is_a_member_once"
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(role="owner", left_at=None),
                name="a_group_has_one_owner",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "conversation"],
                name="conversations_of_a_person",
                condition=Q(left_at=None),
            ),
            models.Index(
                fields=["conversation", "read_seq"],
                name="who_has_read_least",
                condition=Q(left_at=None),
            ),
            models.Index(
                fields=["conversation", "delivered_seq"],
                name="who_has_received_least",
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
    def draft(self) -> str:
        """In clear; sealed like a message, under its writer's id."""
        if not self.sealed_draft:
            return ""
        box, key = self.sealed_draft, self.conversation
        try:
            return encryption.opened(box, conversation=key, message_id=self.user_id)
        except encryption.CannotBeRead:
            logger.error("a draft in conversation %s cannot be read", key.id)
            return ""

    @property
    def counterpart(self) -> User | None:
        """The other person of a direct chat."""
        if not self.conversation.is_direct:
            return None
        people = (each.user for each in self.conversation.both)
        return next((person for person in people if person.id != self.user_id), None)

    @property
    def title(self) -> str:
        """What its member calls the conversation: the group's title, or the other person's name."""
        if not self.conversation.is_direct:
            return self.conversation.title
        return self.counterpart.name if self.counterpart else gettext("Deleted account")

    @property
    def avatar_url(self) -> str | None:
        return self.counterpart.avatar_url if self.counterpart else None
