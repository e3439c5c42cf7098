"""Resets a forgotten password by a link in an email.

The link expires when it is used, when the password or the email address changes, and after an hour.
A login does not make it expire: otherwise a thief who knows the password could keep the owner from
changing it.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.auth.passwords import normalized_password
from accounts.models import User
from accounts.names import canonical_email, deliverable
from accounts.services import end_logins, require_good_password
from chatflow.errors import DomainError
from chatflow.limits import policy as limits
from chatflow.limits.policy import consume
from chatflow.operations import email as mail


class BadResetLink(DomainError):
    code = "bad_reset_link"
    message = gettext_lazy("This link has expired. Request a new one.")


def request_reset(*, email: str, address: str) -> None:
    """Send a reset link if an account has this email.

    The result and the time are the same if there is no such account: the email is then rendered but
    not sent.
    """
    consume(limits.REGISTRATION, address=address)
    consume(limits.RESETS_OF, account=canonical_email(email))
    user = User.objects.reachable().filter(email=canonical_email(email)).first()
    message = _reset_email(user or _placeholder_user())
    if user:
        mail.enqueue(message, to=user.id)


def _reset_email(user: User) -> EmailMessage:
    """Render the email. The token is in the link's query, which our access logs leave out."""
    token = default_token_generator.make_token(user)
    query = urlencode({"uid": str(user.id), "token": token})
    # With the Host header instead, an attacker could make us send a link to their own server.
    link = f"{settings.PUBLIC_URL}{reverse('password-reset-new')}?{query}"
    context = {"user": user, "link": link, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    return EmailMessage(
        subject=_("Reset your ChatFlow password"),
        body=render_to_string("accounts/emails/password_reset.txt", context),
        to=[deliverable(user.email or "")],
    )


def find_by_link(*, uid: str, token: str) -> User:
    """Return the user to whom the link was sent. Raises BadResetLink if the link is not valid."""
    try:
        user = User.objects.reachable().filter(id=uuid.UUID(uid)).first()
    except ValueError:
        raise BadResetLink from None
    if not default_token_generator.check_token(user, token) or user is None:
        raise BadResetLink
    return user


def reset_password(*, uid: str, token: str, password: str, address: str) -> None:
    """Change the password and end all logins. An invalid link counts as a failed login."""
    refund = consume(limits.FAILED_LOGINS_FROM_ADDRESS, address=address)
    user = find_by_link(uid=uid, token=token)
    refund()
    require_good_password(password, user)
    _replace_password(user, make_password(normalized_password(password)))


@transaction.atomic
def _replace_password(user: User, encoded: str) -> None:
    """Store the hash and end all logins. Of two concurrent uses of a link, only one succeeds."""
    same = User.objects.reachable().filter(id=user.id, password=user.password)
    if not same.update(password=encoded):
        raise BadResetLink
    end_logins(user=user)


def _placeholder_user() -> User:
    return User(username="nobody", email="nobody@localhost", password=UNUSABLE_PASSWORD_PREFIX)
