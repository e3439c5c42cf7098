"""Queries on users, the words of their names, blocks and logins."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.db import models, transaction
from django.db.models import BinaryField, Exists, Func, OuterRef, Q, Value
from django.utils import timezone

from accounts.names import (
    LONGEST_WORD,
    canonical,
    canonical_email,
    canonical_login,
    indexed_words,
)

if TYPE_CHECKING:
    from accounts.models import Block, Login, NameWord, User  # noqa: F401 (base classes)

REACHABLE: dict[str, Any] = {"is_active": True, "deleted_at": None}
LAST_BYTE = b"\xff"  # comes after every character in UTF-8


class UserQuerySet(models.QuerySet["User"]):
    def reachable(self) -> UserQuerySet:
        """Return users who are neither suspended nor deleted."""
        return self.filter(**REACHABLE)

    def blocked_by(self, user: User) -> UserQuerySet:
        return self.filter(blocked_by__blocker=user).order_by("username")

    def named(self, username: str) -> UserQuerySet:
        return self.filter(username=canonical(username))

    def with_login_name(self, login: str) -> UserQuerySet:
        """Find a user by username or email, regardless of case."""
        name = canonical_login(login)
        return self.filter(Q(email=name) if "@" in name else Q(username=name))

    def locked(self) -> UserQuerySet:
        """Lock the rows, in one order so that concurrent transactions cannot deadlock.

        Other rows may still be written with foreign keys to these.
        """
        return self.order_by("id").select_for_update(no_key=True)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> User:
        """Create a user with canonical names and index them for the search."""
        fields.setdefault("display_name", username)
        user: User = self.model(
            username=canonical(username), email=canonical_email(email), **fields
        )
        user.set_password(password)
        with transaction.atomic():
            user.save(using=self._db)
            user.index_name()
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> User:
        return self.create_user(
            username, email, password, is_staff=True, is_superuser=True, **fields
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=canonical(username or ""))


class NameWordQuerySet(models.QuerySet["NameWord"]):
    def index(self, users: Sequence[User]) -> None:
        """Replace the words of these users, whose rows must be new or locked."""
        self.filter(user__in=users).delete()
        self.bulk_create(
            self.model(word=word, user=user)
            for user in users
            for word in sorted(indexed_words(f"{user.username} {user.display_name}"))
        )

    def of_reachable_users(self) -> NameWordQuerySet:
        return self.filter(**{f"user__{field}": value for field, value in REACHABLE.items()})

    def matching(self, words: Sequence[str]) -> NameWordQuerySet:
        """Return one row for each user whose names match all of these word prefixes.

        The row is the user's first word that begins with the longest prefix, in the alphabet the
        first of several. So the index on words yields the users in order, and the other prefixes
        are looked up user by user.
        """
        longest, *others = sorted(words, key=lambda word: (-len(word), word))
        same_user = self.model.objects.filter(user=OuterRef("user"))
        earlier = same_user.annotate(prefix=_first_bytes(longest)).filter(
            prefix=_indexed(longest), word__lt=OuterRef("word")
        )
        also_has = (Exists(same_user.filter(_begins_with(word))) for word in others)
        matches = self.filter(_begins_with(longest), ~Exists(earlier), *also_has)
        return matches.order_by("word", "user_id")


def _begins_with(word: str) -> Q:
    start = _indexed(word)
    return Q(word__gte=start, word__lt=start + LAST_BYTE)


def _first_bytes(word: str) -> Func:
    """Return the start of a word's column, to compare prefixes within the words of one user.

    With a range condition PostgreSQL may choose the index on words and read the whole range for
    every user.
    """
    size = Value(len(_indexed(word)))
    return Func("word", Value(1), size, function="SUBSTR", output_field=BinaryField())


def _indexed(word: str) -> bytes:
    return word[:LONGEST_WORD].encode()


class BlockQuerySet(models.QuerySet["Block"]):
    def with_user(self, user: User) -> set[uuid.UUID]:
        """Return the ids of the users who block this user or are blocked by them."""
        pairs = self.filter(Q(blocker=user) | Q(blocked=user)).values_list("blocker", "blocked")
        return {user_id for pair in pairs for user_id in pair} - {user.id}

    def by_user(self, user_ids: Iterable[str]) -> defaultdict[str, set[str]]:
        """Return what `with_user` returns, for several users, by user id."""
        user_ids = list(user_ids)
        others: defaultdict[str, set[str]] = defaultdict(set)
        pairs = self.filter(Q(blocker__in=user_ids) | Q(blocked__in=user_ids))
        for blocker, blocked in pairs.values_list("blocker", "blocked"):
            others[str(blocker)].add(str(blocked))
            others[str(blocked)].add(str(blocker))
        return others


class LoginQuerySet(models.QuerySet["Login"]):
    def active(self, *, idle_since: datetime | None = None) -> LoginQuerySet:
        """Return logins that have neither ended nor expired, of reachable users."""
        return self.filter(
            ended_at=None,
            last_used_at__gt=idle_since or idle_limit(),
            user__is_active=True,
            user__deleted_at=None,
        )

    def with_user(self) -> LoginQuerySet:
        return self.select_related("user")


def idle_limit() -> datetime:
    """Return the time after which a login must have been used to be active."""
    return timezone.now() - max(
        settings.REFRESH_TOKEN_LIFETIME, timedelta(seconds=settings.SESSION_COOKIE_AGE)
    )
