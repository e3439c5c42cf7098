"""Who someone is (User) and where they are signed in (Login)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.names import validate_display_name, validate_username
from accounts.querysets import BlockQuerySet, LoginQuerySet, UserManager


def avatar_path(user: User, filename: str) -> str:
    """A new name for each picture: it can be cached for ever and says nothing about its owner."""
    return f"avatars/{uuid.uuid4().hex}.webp"


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Deleting an account empties this row; it stays so that their messages stay."""

    class Audience(models.TextChoices):
        EVERYONE = "everyone", _("Everyone")
        CONTACTS = "contacts", _("People I chat with")
        NOBODY = "nobody", _("Nobody")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        _("username"),
        unique=True,
        max_length=45,  # 30 for people, 45 for what a deleted account leaves behind
        validators=[validate_username],
    )
    # null: the account is deleted
    email = models.EmailField(_("email"), unique=True, null=True)  # noqa: DJ001
    display_name = models.CharField(
        _("display name"), max_length=60, validators=[validate_display_name]
    )
    about = models.CharField(_("about"), max_length=140, blank=True)
    avatar = models.ImageField(_("picture"), upload_to=avatar_path, blank=True)
    is_staff = models.BooleanField(_("moderator"), default=False)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Not active means suspended: signed out everywhere.")
    )
    last_seen_to = models.CharField(
        _("who sees when I am online"),
        max_length=8,
        choices=Audience.choices,
        default=Audience.EVERYONE,
    )
    shows_read_receipts = models.BooleanField(_("read receipts"), default=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, editable=False)
    created_at = models.DateTimeField(_("joined"), auto_now_add=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            # with unique=True: unique in any case, for whoever does not come through a form, too
            models.CheckConstraint(
                condition=Q(username=Lower("username")), name="usernames_are_lower_case"
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="emails_are_lower_case"),
        ]
        indexes = [models.Index(Lower("display_name"), name="people_by_display_name")]

    def __str__(self) -> str:
        return self.username

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def name(self) -> str:
        """What other people read."""
        return gettext("Deleted account") if self.is_deleted else self.display_name

    @property
    def avatar_url(self) -> str | None:
        return reverse("avatar", args=[Path(str(self.avatar)).stem]) if self.avatar else None


class Block(models.Model):
    """Nothing of the blocked person's reaches the blocker in private; they are not told."""

    blocker = models.ForeignKey(User, models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(User, models.CASCADE, related_name="blocked_by")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="a_person_is_blocked_once"),
            models.CheckConstraint(
                condition=~Q(blocker=models.F("blocked")), name="nobody_blocks_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


class Login(models.Model):
    """One sign-in on one device. Sessions, tokens and sockets carry its id and end with it."""

    class Kind(models.TextChoices):
        BROWSER = "browser", _("browser")
        API = "api", _("program")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    user_agent = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    refresh_id = models.CharField(max_length=32, blank=True)  # the one refresh token that is good
    refreshed_at = models.DateTimeField(null=True)

    objects = LoginQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["user", "-last_used_at"],
                name="living_logins_of_a_person",
                condition=Q(ended_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d}"
