"""The use cases of accounts: logins, the current user's account, and other users.

The API, the pages, the admin and the sockets call these.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.exceptions import TokenError

from accounts import events
from accounts.auth.login_throttle import BadCredentials, login_attempt
from accounts.auth.passwords import normalized_password
from accounts.auth.tokens import TokenPair, new_refresh_id, read_refresh_token, token_pair
from accounts.avatars import square_webp
from accounts.models import Block, Login, NameWord, User, avatar_path
from accounts.names import (
    SHORTEST_SEARCH,
    canonical,
    canonical_email,
    is_ascii_mailbox,
    searched_words,
    validate_about,
)
from chatflow.errors import DomainError, Forbidden, NotFound, Unavailable
from chatflow.limits import policy as limits
from chatflow.limits.policy import consume, limited
from chatflow.times import DatabaseTime
from conversations.events import profile_changed
from conversations.services import AddedConcurrently, forget_everything, leave_everything

DELETION_ATTEMPTS = 5
INDEXING_BATCH = 1000  # users whose rows are locked at once


class WrongPassword(DomainError):
    code = "wrong_password"
    message = _("Incorrect password.")


class BadRefreshToken(DomainError):
    code = "bad_refresh_token"
    status = 401
    message = _("This refresh token is invalid or has expired.")


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    message = _("Registration is closed on this server.")


class Taken(DomainError):
    code = "taken"


class BadEmail(DomainError):
    code = "bad_email"
    message = _("Enter a valid email address.")


class AccountInactive(DomainError):
    """The account was suspended or deleted after the request was authenticated."""

    code = "account_ended"
    status = 401
    message = _("You are no longer logged in.")


class InvalidPassword(DomainError):
    code = "invalid_password"


class NotSuspendable(Forbidden):
    code = "untouchable"
    message = _("You cannot suspend yourself, and only superusers can suspend a superuser.")


class SearchTooShort(DomainError):
    code = "search_too_short"
    message = _("Type at least two characters.")


@dataclass(frozen=True)
class Device:
    """Where a request says that it comes from. Users see it in their list of logins."""

    kind: Login.Kind
    user_agent: str = ""
    ip: str = ""
    device_cookie: str = ""  # see accounts.auth.device_cookie


# --- starting a login ----------------------------------------------------------------------------


def register(
    *, username: str, email: str, password: str, display_name: str = "", device: Device
) -> Login:
    """Create an account and log it in on this device.

    Raises RegistrationClosed, TooMany, Taken, BadEmail, InvalidPassword, ValidationError.
    """
    if not settings.REGISTRATION_OPEN:
        raise RegistrationClosed
    consume(limits.REGISTRATION, address=device.ip)
    user = User(
        username=canonical(username),
        email=canonical_email(email),
        display_name=display_name.strip() or username.strip(),
    )
    copied_from_username = [] if display_name.strip() else ["display_name"]
    user.clean_fields(exclude=["password", *copied_from_username])
    require_free_names(user)
    require_good_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        _save_unless_taken(user, force_insert=True)
        user.index_name()
        return open_login(user=user, device=device)


def log_in(*, login: str, password: str, device: Device) -> Login:
    """Log in by username or email.

    Raises TooMany, or BadCredentials after the same time whether the account exists or not.
    """
    user = User.objects.reachable().with_login_name(login).first()
    with login_attempt(
        name=login, user=user, address=device.ip, device_cookie=device.device_cookie
    ):
        if user is None:
            make_password(password)  # takes as long as verifying one
            raise BadCredentials
        if not user.check_password(password):
            raise BadCredentials
    return _open_login_unless_changed(user, device)


@transaction.atomic
def _open_login_unless_changed(user: User, device: Device) -> Login:
    """Lock the user, so that a concurrent password change or suspension ends this login as well."""
    same = User.objects.reachable().filter(id=user.id, password=user.password)
    if not same.select_for_update().exists():
        raise BadCredentials
    return open_login(user=user, device=device)


def open_login(*, user: User, device: Device) -> Login:
    now = timezone.now()
    return Login.objects.create(
        user=user,
        kind=device.kind,
        user_agent=device.user_agent.replace("\0", "")[:200],
        ip=device.ip or None,
        last_used_at=now,
        refresh_id=new_refresh_id() if device.kind == Login.Kind.API else "",
    )


def refresh_login(*, refresh: str, received_at: datetime) -> TokenPair:
    """Return the next pair of tokens. A refresh token can be used once. Raises BadRefreshToken.

    A second use ends the login, since it means that the token was copied. An exception is a second
    request that was received before the first one finished: then the client sent it twice.
    """
    login_id, refresh_id = _ids_of_refresh_token(refresh)
    logins = Login.objects.active().filter(id=login_id)
    login = logins.first()
    if login is None:
        raise BadRefreshToken
    consume(limits.WRITING, person=login.user_id)
    now, successor = timezone.now(), new_refresh_id()
    # Without joins: after waiting for the row lock PostgreSQL checks only the columns of this table
    # again. With a join, both of two concurrent requests would succeed.
    rotated = Login.objects.filter(id=login_id, refresh_id=refresh_id, ended_at=None).update(
        refresh_id=successor, refreshed_at=DatabaseTime(), last_used_at=now
    )
    if not rotated:
        # Compare an age with the database's time, because the clocks of two servers may differ.
        age = timezone.now() - received_at
        if reused := logins.filter(refreshed_at__lt=DatabaseTime() - age).first():
            end_login(login=reused)
        raise BadRefreshToken
    return token_pair(Login(id=login_id, refresh_id=successor))


# --- ending logins -------------------------------------------------------------------------------


@transaction.atomic
def end_login(*, login: Login) -> None:
    """Revoke the session and the tokens of the login and close its sockets. Idempotent."""
    Login.objects.filter(id=login.id, ended_at=None).update(ended_at=timezone.now())
    events.login_ended(user_id=login.user_id, login_id=login.id)


@limited(limits.WRITING)
def end_login_of_refresh_token(*, refresh: str, user: User) -> None:
    """End the login of a refresh token. Raises BadRefreshToken if it is not one of this user."""
    login_id, _refresh_id = _ids_of_refresh_token(refresh)
    login = Login.objects.filter(id=login_id, user=user).first()
    if login is None:
        raise BadRefreshToken
    end_login(login=login)


@limited(limits.WRITING)
def end_login_of(*, user: User, login_id: uuid.UUID) -> None:
    """End one of the user's logins. Raises NotFound."""
    login = Login.objects.active().filter(user=user, id=login_id).first()
    if login is None:
        raise NotFound
    end_login(login=login)


@transaction.atomic
def end_logins(*, user: User, spared: Login | None = None) -> None:
    """End all logins of the user except `spared`."""
    logins = user.logins.filter(ended_at=None)
    if spared:
        logins = logins.exclude(id=spared.id)
    logins.update(ended_at=timezone.now())
    events.logins_ended(user_id=user.id, spared=spared.id if spared else None)


@transaction.atomic
def suspend(*, user: User) -> None:
    """End all logins of the user and refuse new ones until `restore`."""
    User.objects.filter(id=user.id, deleted_at=None).update(is_active=False)
    end_logins(user=user)


def restore(*, user: User) -> None:
    User.objects.filter(id=user.id, deleted_at=None).update(is_active=True)


def require_suspendable(user: User, *, by: User) -> None:
    if not is_suspendable(user, by=by):
        raise NotSuspendable


def is_suspendable(user: User, *, by: User) -> bool:
    """Return whether `by` may suspend the user. Only superusers may suspend a superuser."""
    return user != by and not user.is_deleted and (by.is_superuser or not user.is_superuser)


# --- the current user's account ------------------------------------------------------------------


@limited(limits.WRITING)
def update_profile(*, user: User, password: str = "", **changes: str | bool) -> User:
    """Change any of display_name, about, email, last_seen_to and shows_read_receipts.

    If one value is refused, nothing changes. A new email requires the password.

    Raises ValidationError, WrongPassword, Taken, BadEmail.
    """
    if "email" in changes:
        require_password(user, password)
        changes["email"] = canonical_email(str(changes["email"]))
    with transaction.atomic():
        account = lock_account(user, same_password="email" in changes)
        for field, value in changes.items():
            setattr(account, field, value.strip() if isinstance(value, str) else value)
        account.clean_fields(exclude={field.name for field in User._meta.fields} - changes.keys())
        if "about" in changes:
            validate_about(account.about)
        if "email" in changes:
            require_free_names(account)
        _save_unless_taken(account, update_fields=list(changes))
        if "display_name" in changes:
            account.index_name()
        events.account_changed(account)
        if "display_name" in changes:
            profile_changed(account)
    return account


def change_password(*, user: User, current: str, new: str, login: Login | None) -> User:
    """Change the password and end all logins except the given one.

    Raises WrongPassword and InvalidPassword.
    """
    require_password(user, current, field="current")
    require_good_password(new, user, field="new")
    encoded = make_password(normalized_password(new))  # hashed before the lock is taken
    with transaction.atomic():
        account = lock_account(user, same_password=True, field="current")
        account.password = encoded
        account.save(update_fields=["password"])
        end_logins(user=account, spared=login)
    return account


@limited(limits.UPLOAD)
def change_avatar(*, user: User, image: BinaryIO) -> User:
    """Re-encode the image as a square WebP and store it. Raises BadImage if that fails."""
    storage = user.avatar.storage
    name = storage.save(avatar_path(user, "avatar.webp"), ContentFile(square_webp(image)))
    try:
        return _replace_avatar(user, name)
    except BaseException:
        storage.delete(name)
        raise


@limited(limits.WRITING)
def remove_avatar(*, user: User) -> User:
    return _replace_avatar(user, "")


@transaction.atomic
def _replace_avatar(user: User, name: str) -> User:
    account = lock_account(user)
    _delete_avatar_file(account)
    account.avatar = name
    account.save(update_fields=["avatar"])
    profile_changed(account)
    return account


def _delete_avatar_file(account: User) -> None:
    """Delete the current avatar file of the locked account after the commit."""
    name, storage = account.avatar.name, account.avatar.storage
    if name:
        transaction.on_commit(lambda: storage.delete(name))


def delete_account(*, user: User, password: str) -> None:
    """Empty the account and leave all groups. Its messages remain, from “Deleted account”.

    Raises WrongPassword.
    """
    require_password(user, password)
    for _attempt in range(DELETION_ATTEMPTS):
        with suppress(AddedConcurrently):
            _empty_account(user)
            return
    raise Unavailable


@transaction.atomic
def _empty_account(user: User) -> None:
    locked = leave_everything(user=user)
    user = lock_account(user, same_password=True)
    forget_everything(user=user, locked_ids=locked)
    end_logins(user=user)
    user.logins.all().delete()
    Block.objects.filter(Q(blocker=user) | Q(blocked=user)).delete()
    user.groups.clear()
    user.user_permissions.clear()
    _delete_avatar_file(user)
    user.avatar = ""
    user.name_words.all().delete()
    user.username = f"deleted-{user.id.hex}"  # no user can choose a name with a hyphen
    user.email, user.display_name, user.about = None, "", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.deleted_at, user.last_seen_at = timezone.now(), None
    user.set_unusable_password()
    user.save()
    _forget_name_in_admin_log(user)


def _forget_name_in_admin_log(user: User) -> None:
    """Replace the username in the admin's log, which stores it with every edit of the user."""
    entries = LogEntry.objects.filter(
        content_type__app_label="accounts", content_type__model="user"
    )
    entries.filter(object_id=str(user.id)).update(object_repr=user.username)


# --- other users ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class UserPage:
    users: list[User]
    next: str | None


@limited(limits.SEARCH)
def find_users(*, user: User, text: str, cursor: str = "", limit: int) -> UserPage:
    """Find other users whose names have words that begin with each word of `text`.

    They are ordered by the first word that matches. Raises SearchTooShort.
    """
    text = text.strip().removeprefix("@")
    words = searched_words(text)
    if not words and len(text) < SHORTEST_SEARCH:
        raise SearchTooShort(field="search")
    if not words:
        return UserPage([], None)
    matches = NameWord.objects.matching(words).of_reachable_users()
    if cursor:
        word, _slash, username = cursor.rpartition("/")
        matches = matches.filter(pk__gt=(word.encode(), canonical(username)))
    rows = list(matches.exclude(user=user).select_related("user")[: limit + 1])
    users = [row.user for row in rows[:limit]]
    return UserPage(users, _cursor_at(rows[limit - 1]) if len(rows) > limit else None)


def _cursor_at(row: NameWord) -> str:
    return f"{bytes(row.word).decode()}/{row.user_id}"


def rebuild_name_index() -> int:
    """Index the names of all users again and return their number, for `manage.py rebuild_search`.

    Users can be found and can change their names meanwhile.
    """
    users = User.objects.filter(deleted_at=None)
    ids = list(users.order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), INDEXING_BATCH):
        with transaction.atomic():
            batch = users.filter(id__in=ids[start : start + INDEXING_BATCH])
            NameWord.objects.index(list(batch.locked()))
    return len(ids)


@limited(limits.WRITING)
@transaction.atomic
def block(*, user: User, username: str) -> None:
    """Stop direct messages and presence between the two users, without a notification.

    Idempotent. Raises NotFound.
    """
    other = User.objects.reachable().named(username).exclude(id=user.id).first()
    if other is None:
        raise NotFound
    locked = User.objects.reachable().locked().filter(id__in=[user.id, other.id])
    if len(locked) < 2:
        raise NotFound
    _, is_new = Block.objects.get_or_create(blocker=user, blocked=other)
    if is_new:
        events.block_created(user, other)


@limited(limits.WRITING)
def unblock(*, user: User, username: str) -> None:
    """Remove the block. Messages that it withheld are not delivered later. Idempotent."""
    Block.objects.filter(blocker=user, blocked__username=canonical(username)).delete()


# --- rules ---------------------------------------------------------------------------------------


def lock_account(user: User, *, same_password: bool = False, field: str = "password") -> User:
    """Return the account, reloaded and locked until the commit.

    Users' changes of their own accounts begin with this, after slow work such as hashing. Raises
    AccountInactive if the account was suspended or deleted in the meantime. With `same_password`,
    raises WrongPassword if the password has changed since `user` was loaded.
    """
    account = User.objects.reachable().locked().filter(id=user.id).first()
    if account is None:
        raise AccountInactive
    if same_password and account.password != user.password:
        raise WrongPassword(field=field)
    return account


def require_password(user: User, password: str, *, field: str = "password") -> None:
    """Raise WrongPassword, or TooMany after too many attempts."""
    consume(limits.PASSWORD, person=user.id)
    if not user.check_password(password):
        raise WrongPassword(field=field)


def require_good_password(password: str, user: User, *, field: str = "password") -> None:
    """Raise InvalidPassword if a new password is too weak."""
    try:
        validate_password(normalized_password(password), user)
    except ValidationError as error:
        raise InvalidPassword(" ".join(error.messages), field=field) from None


def require_free_names(user: User) -> None:
    """Raise Taken or BadEmail, with a message for the form.

    Database constraints also refuse duplicates, even of concurrent requests.
    """
    if not is_ascii_mailbox(user.email or ""):
        raise BadEmail(field="email")
    others = User.objects.exclude(id=user.id)
    if others.named(user.username).exists():
        raise Taken(_("This username is taken."), field="username")
    if others.filter(email=user.email).exists():
        raise Taken(_("An account with this email already exists."), field="email")


def _ids_of_refresh_token(refresh: str) -> tuple[uuid.UUID, str]:
    try:
        return read_refresh_token(refresh)
    except TokenError:
        raise BadRefreshToken from None


def _save_unless_taken(user: User, **kwargs: Any) -> None:
    try:
        with transaction.atomic():
            user.save(**kwargs)
    except IntegrityError:
        require_free_names(user)
        raise
