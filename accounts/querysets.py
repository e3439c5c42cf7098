"""Named questions about people and their logins."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.names import canonical

if TYPE_CHECKING:
    from accounts.models import Block, Login, User  # noqa: F401 (base classes)


class UserQuerySet(models.QuerySet["User"]):
    def reachable(self) -> UserQuerySet:
        """People one may write to: neither suspended nor gone."""
        return self.filter(is_active=True, deleted_at=None)

    def blocked_by(self, user: User) -> UserQuerySet:
        return self.filter(blocked_by__blocker=user).order_by("username")

    def named(self, username: str) -> UserQuerySet:
        return self.filter(username=canonical(username))

    def known_as(self, login: str) -> UserQuerySet:
        """By username or email, in any case."""
        name = canonical(login)
        return self.filter(Q(email=name) if "@" in name else Q(username=name))

    def matching(self, text: str) -> UserQuerySet:
        """Whose username or display name, or a word of it, begins with `text`."""
        return self.filter(
            Q(username__startswith=canonical(text))
            | Q(display_name__istartswith=text)
            | Q(display_name__icontains=f" {text}")
        ).order_by("username")


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> User:
        fields.setdefault("display_name", username)
        user: User = self.model(username=canonical(username), email=canonical(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> User:
        return self.create_user(
            username, email, password, is_staff=True, is_superuser=True, **fields
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=canonical(username or ""))


class BlockQuerySet(models.QuerySet["Block"]):
    def apart_from(self, user: User) -> set[uuid.UUID]:
        """Ids of those whom this person blocks or is blocked by."""
        pairs = self.filter(Q(blocker=user) | Q(blocked=user)).values_list("blocker", "blocked")
        return {one for pair in pairs for one in pair} - {user.id}


class LoginQuerySet(models.QuerySet["Login"]):
    def living(self) -> LoginQuerySet:
        """Not ended, not idle for longer than its credentials last, and its person may be here."""
        idle_since = timezone.now() - max(
            settings.REFRESH_TOKEN_LIFETIME, timedelta(seconds=settings.SESSION_COOKIE_AGE)
        )
        return self.filter(
            ended_at=None,
            last_used_at__gt=idle_since,
            user__is_active=True,
            user__deleted_at=None,
        )

    def with_user(self) -> LoginQuerySet:
        return self.select_related("user")
