"""Users, the index of the words in their names, blocks between users, and logins."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password, verify_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.auth.passwords import normalized_password
from accounts.names import LONGEST_WORD, validate_display_name, validate_username
from accounts.querysets import BlockQuerySet, LoginQuerySet, NameWordQuerySet, UserManager


def avatar_path(user: User, filename: str) -> str:
    """Return a random name, so that the URL can be cached forever and does not reveal the owner."""
    return f"avatars/{uuid.uuid4().hex}.webp"


class User(AbstractBaseUser, PermissionsMixin):
    """An account. Deleting it only empties this row, because its messages remain."""

    class Visibility(models.TextChoices):
        EVERYONE = "everyone", _("Everyone")
        CONTACTS = "contacts", _("People I chat with")
        NOBODY = "nobody", _("Nobody")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        _("username"),
        unique=True,
        max_length=45,  # 30 for users, 45 for the placeholder of a deleted account
        validators=[validate_username],
    )
    # null once the account is deleted
    email = models.EmailField(_("email"), unique=True, null=True)  # noqa: DJ001
    display_name = models.CharField(
        _("display name"), max_length=60, validators=[validate_display_name]
    )
    about = models.CharField(_("about"), max_length=140, blank=True)
    avatar = models.ImageField(_("avatar"), upload_to=avatar_path, blank=True)
    is_staff = models.BooleanField(_("moderator"), default=False)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Suspended users are inactive and cannot log in.")
    )
    last_seen_to = models.CharField(
        _("last seen and online"),
        max_length=8,
        choices=Visibility.choices,
        default=Visibility.EVERYONE,
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
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # Together with unique=True these make names unique regardless of case.
            models.CheckConstraint(
                condition=Q(username=Lower("username")), name="usernames_are_lower_case"
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="emails_are_lower_case"),
        ]

    def __str__(self) -> str:
        return self.username

    def set_password(self, raw_password: str | None) -> None:
        """Hash the password in its normalised form."""
        if raw_password is not None:
            raw_password = normalized_password(raw_password)
        super().set_password(raw_password)

    def check_password(self, raw_password: str | None) -> bool:
        """Compare the password in its normalised form.

        A correct password replaces a hash that was made with former settings. Unlike Django's own
        method, this does not overwrite a password that was changed in the meantime.
        """
        password, former = normalized_password(raw_password or ""), self.password
        is_correct, is_outdated = verify_password(password, former)
        if is_correct and is_outdated:
            replacement = make_password(password)
            if User.objects.filter(id=self.id, password=former).update(password=replacement):
                self.password = replacement
        return is_correct

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def name(self) -> str:
        """Return the name that is shown to users."""
        return gettext("Deleted account") if self.is_deleted else self.display_name

    @property
    def avatar_url(self) -> str | None:
        return (
            reverse("avatar", args=[Path(str(self.avatar)).with_suffix("").name])
            if self.avatar
            else None
        )

    def index_name(self) -> None:
        """Index the user's names for the search. Call it whenever one of them has changed."""
        NameWord.objects.index([self])


class NameWord(models.Model):
    """A case-folded word of a username or display name, by which users are found.

    The primary key serves prefix searches and orders users by username within a word.
    """

    pk = models.CompositePrimaryKey("word", "user")
    word = models.BinaryField(max_length=4 * LONGEST_WORD)
    user = models.ForeignKey(
        User,
        models.CASCADE,
        to_field="username",
        db_column="username",
        db_index=False,
        related_name="name_words",
    )

    objects = NameWordQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "word"], name="name_words_of_user")]

    def __str__(self) -> str:
        return f"{bytes(self.word).decode()} ({self.user_id})"


class Block(models.Model):
    """The blocker receives no direct messages from the blocked user, who is not notified.

    Neither of them sees the other's presence.
    """

    blocker = models.ForeignKey(User, models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(User, models.CASCADE, related_name="blocked_by")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="blocks_are_unique"),
            models.CheckConstraint(
                condition=~Q(blocker=models.F("blocked")), name="users_do_not_block_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


class Login(models.Model):
    """A login on one device. Its session, tokens and sockets name it and end with it."""

    class Kind(models.TextChoices):
        BROWSER = "browser", _("Browser")
        API = "api", _("API")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    user_agent = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    refresh_id = models.CharField(max_length=32, blank=True)  # of the only valid refresh token
    refreshed_at = models.DateTimeField(null=True)

    objects = LoginQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["user", "-last_used_at"],
                name="active_logins_of_user",
                condition=Q(ended_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d}"
