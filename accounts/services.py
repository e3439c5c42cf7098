"""What people can do with their account and their logins. Every interface calls these."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.exceptions import TokenError

from accounts import events
from accounts.avatars import square_webp
from accounts.guesses import BadCredentials, one_guess
from accounts.models import Block, Login, User
from accounts.names import canonical
from accounts.querysets import UserQuerySet
from accounts.tokens import TokenPair, new_refresh_id, read_refresh_token, token_pair
from chatflow import limits
from chatflow.errors import DomainError, Forbidden, NotFound, Unavailable
from chatflow.limits import limited, spend
from conversations.services import AddedMeanwhile, leave_everything

DELETION_ATTEMPTS = 5
SHORTEST_SEARCH = 2
LONGEST_SEARCH = 60


class WrongPassword(DomainError):
    code = "wrong_password"
    message = _("This is not your password.")


class BadRefreshToken(DomainError):
    code = "bad_refresh_token"
    status = 401
    message = _("This refresh token is not good any more.")


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    message = _("Registration is closed on this server.")


class Taken(DomainError):
    code = "taken"


class InvalidPassword(DomainError):
    code = "invalid_password"


class Untouchable(Forbidden):
    code = "untouchable"
    message = _("Nobody suspends themselves, and only superusers suspend a superuser.")


class SearchTooShort(DomainError):
    code = "search_too_short"
    message = _("Type two characters at least.")


@dataclass(frozen=True)
class Device:
    """What a request says about where it comes from; shown in the list of logins, never trusted."""

    kind: Login.Kind
    user_agent: str = ""
    ip: str = ""
    mark: str = ""  # what a browser keeps of having signed somebody in


# --- coming in -----------------------------------------------------------------------------------


def register(
    *, username: str, email: str, password: str, display_name: str = "", device: Device
) -> Login:
    """A new person, signed in on this device. Raises Taken, InvalidPassword, ValidationError."""
    if not settings.REGISTRATION_OPEN:
        raise RegistrationClosed
    spend(limits.REGISTRATION, address=device.ip)
    user = User(
        username=canonical(username),
        email=canonical(email),
        display_name=display_name.strip() or username.strip(),
    )
    taken_from_username = [] if display_name.strip() else ["display_name"]
    user.clean_fields(exclude=["password", *taken_from_username])
    require_free_names(user)
    require_good_password(password, user)
    user.set_password(password)
    return _create_with_login(user, device)


@transaction.atomic
def _create_with_login(user: User, device: Device) -> Login:
    _save_unless_taken(user, force_insert=True)
    return open_login(user=user, device=device)


def sign_in(*, login: str, password: str, device: Device) -> Login:
    """By username or email. The same error, after the same work, for whatever does not match."""
    user = User.objects.reachable().known_as(login).first()
    with one_guess(name=login, user=user, address=device.ip, mark=device.mark):
        if not _password_fits(user, password) or user is None:
            raise BadCredentials
    return _open_login_unless_changed(user, device)


def _password_fits(user: User | None, password: str) -> bool:
    if user is None:
        return check_password(password, UNUSABLE_PASSWORD_PREFIX)  # costs what a real one costs
    return user.check_password(password)


@transaction.atomic
def _open_login_unless_changed(user: User, device: Device) -> Login:
    """The lock orders this and whatever signs the person out meanwhile, such as a new password."""
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
    """The next pair of tokens. A refresh token is good once.

    One that is used again was copied, and nobody knows which of the two is the thief: the login
    ends. Only a request that was on its way before the other one had won is merely refused.
    """
    try:
        login_id, refresh_id = read_refresh_token(refresh)
    except TokenError:
        raise BadRefreshToken from None
    living = Login.objects.living().filter(id=login_id)
    if not living.exists():
        raise BadRefreshToken
    now, successor = timezone.now(), new_refresh_id()
    # Columns of this table alone: after a wait for the row PostgreSQL looks at those again, but
    # not at what a join had found before it, and of two parallel requests both would win.
    rotated = Login.objects.filter(id=login_id, refresh_id=refresh_id, ended_at=None).update(
        refresh_id=successor, refreshed_at=now, last_used_at=now
    )
    if not rotated:
        _end_if_reused(living.filter(refreshed_at__lt=received_at).first())
        raise BadRefreshToken
    return token_pair(Login(id=login_id, refresh_id=successor))


def _end_if_reused(login: Login | None) -> None:
    if login:
        end_login(login=login)


# --- going out -----------------------------------------------------------------------------------


@transaction.atomic
def end_login(*, login: Login) -> None:
    """Its session, tokens and sockets are dead at once. Ending it again changes nothing."""
    Login.objects.filter(id=login.id, ended_at=None).update(ended_at=timezone.now())
    events.login_ended(user_id=login.user_id, login_id=login.id)


def end_login_of_refresh_token(*, refresh: str, user: User) -> None:
    """Raises BadRefreshToken unless the token belongs to a login of this user."""
    try:
        login_id, _refresh_id = read_refresh_token(refresh)
    except TokenError:
        raise BadRefreshToken from None
    login = Login.objects.filter(id=login_id, user=user).first()
    if login is None:
        raise BadRefreshToken
    end_login(login=login)


def end_login_of(*, user: User, login_id: uuid.UUID) -> None:
    login = Login.objects.living().filter(user=user, id=login_id).first()
    if login is None:
        raise NotFound
    end_login(login=login)


@transaction.atomic
def end_logins(*, user: User, spared: Login | None = None) -> None:
    """Everywhere the person is signed in, but for the login that is spared."""
    logins = user.logins.filter(ended_at=None)
    if spared:
        logins = logins.exclude(id=spared.id)
    logins.update(ended_at=timezone.now())
    events.logins_ended(user_id=user.id, spared=spared.id if spared else None)


@transaction.atomic
def suspend(*, user: User) -> None:
    """Out everywhere, until `restore`."""
    User.objects.filter(id=user.id).update(is_active=False)
    end_logins(user=user)


def restore(*, user: User) -> None:
    User.objects.filter(id=user.id).update(is_active=True)


def require_suspendable(user: User, *, by: User) -> None:
    if not is_suspendable(user, by=by):
        raise Untouchable


def is_suspendable(user: User, *, by: User) -> bool:
    """Nobody locks themselves out, a moderator is no match for a superuser, and gone is gone."""
    return user != by and not user.is_deleted and (by.is_superuser or not user.is_superuser)


# --- one's own account ---------------------------------------------------------------------------


@limited(limits.WRITING)  # all of one's sockets read anew
def update_profile(*, user: User, **changes: str) -> User:
    """`display_name` and `about`; raises ValidationError."""
    for field, value in changes.items():
        setattr(user, field, value.strip())
    user.clean_fields(exclude={field.name for field in User._meta.fields} - changes.keys())
    user.save(update_fields=list(changes))
    events.account_changed(user)
    return user


def change_email(*, user: User, email: str, password: str) -> User:
    require_password(user, password)
    user.email = canonical(email)
    user.clean_fields(exclude={field.name for field in User._meta.fields} - {"email"})
    require_free_names(user)
    _save_unless_taken(user, update_fields=["email"])
    return user


@limited(limits.WRITING)
def update_privacy(*, user: User, **changes: str | bool) -> User:
    """`last_seen_to`, `shows_read_receipts`: who hides one of them does not see it of others."""
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=list(changes))
    events.account_changed(user)
    return user


def change_password(*, user: User, current: str, new: str, login: Login | None) -> None:
    """Signs the person out everywhere else: whoever knew the old password is gone."""
    require_password(user, current, field="current")
    require_good_password(new, user, field="new")
    user.set_password(new)
    with transaction.atomic():  # not around the hashing, which nobody should wait for
        user.save(update_fields=["password"])
        end_logins(user=user, spared=login)


@limited(limits.UPLOAD)
def change_avatar(*, user: User, picture: BinaryIO) -> User:
    """Stores the picture anew as a square WebP; raises BadPicture for whatever is not a picture."""
    former = user.avatar.name
    user.avatar.save("avatar.webp", ContentFile(square_webp(picture)), save=False)
    user.save(update_fields=["avatar"])
    _forget_file(user, former)
    return user


def remove_avatar(*, user: User) -> User:
    former, user.avatar = user.avatar.name, ""
    user.save(update_fields=["avatar"])
    _forget_file(user, former)
    return user


def _forget_file(user: User, name: str | None) -> None:
    if name:
        storage = user.avatar.storage
        transaction.on_commit(lambda: storage.delete(name))


def delete_account(*, user: User, password: str) -> None:
    """Empties the account. Messages stay, under “Deleted account”; groups go on without them."""
    require_password(user, password)
    for _attempt in range(DELETION_ATTEMPTS):
        with suppress(AddedMeanwhile):
            _empty_account(user)
            return
    raise Unavailable


@transaction.atomic
def _empty_account(user: User) -> None:
    user = leave_everything(user=user)
    end_logins(user=user)
    user.logins.all().delete()
    Block.objects.filter(Q(blocker=user) | Q(blocked=user)).delete()
    user.groups.clear()
    user.user_permissions.clear()
    remove_avatar(user=user)
    user.username = f"deleted-{user.id.hex}"  # the hyphen keeps it out of anybody's reach
    user.email, user.display_name, user.about = None, "", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.deleted_at, user.last_seen_at = timezone.now(), None
    user.set_unusable_password()
    user.save()


# --- other people --------------------------------------------------------------------------------


@limited(limits.SEARCH)
def find_by_text(*, user: User, text: str, after: str = "") -> UserQuerySet:
    """Others one may write to, by the beginning of their names; `after` a username."""
    text = text.strip()
    if len(text) < SHORTEST_SEARCH:
        raise SearchTooShort(field="search")
    if len(text) > LONGEST_SEARCH or "\0" in text:
        return User.objects.none()  # no name is like that, and a database would choke on it
    people = User.objects.reachable().exclude(id=user.id).matching(text)
    return people.filter(username__gt=canonical(after)) if after else people


def block(*, user: User, username: str) -> None:
    """Nothing of theirs arrives in private from now on; they are not told. Idempotent."""
    other = User.objects.reachable().named(username).exclude(id=user.id).first()
    if other is None:
        raise NotFound
    Block.objects.get_or_create(blocker=user, blocked=other)
    events.people_parted(user, other)


def unblock(*, user: User, username: str) -> None:
    """What was kept away meanwhile stays away."""
    Block.objects.filter(blocker=user, blocked__username=canonical(username)).delete()


# --- rules ---------------------------------------------------------------------------------------


def require_password(user: User, password: str, *, field: str = "password") -> None:
    spend(limits.PASSWORD, person=user.id)
    if not user.check_password(password):
        raise WrongPassword(field=field)


def require_good_password(password: str, user: User, *, field: str = "password") -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidPassword(" ".join(error.messages), field=field) from None


def require_free_names(user: User) -> None:
    """The friendly half of the two unique constraints; the constraints have the last word."""
    others = User.objects.exclude(id=user.id)
    if others.named(user.username).exists():
        raise Taken(_("This username is taken."), field="username")
    if others.filter(email=user.email).exists():
        raise Taken(_("There is an account with this email already."), field="email")


def _save_unless_taken(user: User, **how: Any) -> None:
    try:
        with transaction.atomic():
            user.save(**how)
    except IntegrityError:
        require_free_names(user)
        raise
