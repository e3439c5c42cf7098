"""How somebody who has forgotten their password comes in again: by a link to their mailbox.

The link dies with its use, with any new password or email, and after an hour. Signing in does not
end it: a thief who knows the password could otherwise keep its owner out for ever.
"""

from __future__ import annotations

import uuid

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import letters
from accounts.models import User
from accounts.names import canonical
from accounts.services import end_logins, require_good_password
from chatflow import limits, mail
from chatflow.errors import DomainError
from chatflow.limits import spend


class BadResetLink(DomainError):
    code = "bad_reset_link"
    message = _("This link is not good any more. Ask for another one.")


def ask_for_reset(*, email: str, address: str) -> None:
    """Writes to whoever has this email; whether that is anybody, the asker does not learn.

    For nobody the same work is done, and the letter thrown away.
    """
    spend(limits.RESETS_FROM, address=address)
    spend(limits.RESETS_OF, account=canonical(email))
    user = User.objects.reachable().filter(email=canonical(email)).first()
    addressee = user or _nobody()
    letter = letters.password_reset(addressee, token=default_token_generator.make_token(addressee))
    if user:
        mail.post(letter, to=user.id)


def find_by_link(*, uid: str, token: str) -> User:
    """Whose link it is; raises BadResetLink, whatever is wrong with it."""
    try:
        user = User.objects.reachable().filter(id=uuid.UUID(uid)).first()
    except ValueError:
        raise BadResetLink from None
    if not default_token_generator.check_token(user, token) or user is None:
        raise BadResetLink
    return user


def reset_password(*, uid: str, token: str, password: str) -> None:
    """Signs the person out everywhere: whoever knew the old password is gone."""
    user = find_by_link(uid=uid, token=token)
    require_good_password(password, user)
    _replace_password(user, make_password(password))


@transaction.atomic
def _replace_password(user: User, encoded: str) -> None:
    """The former password in the condition lets one of two uses of a link win."""
    same = User.objects.reachable().filter(id=user.id, password=user.password)
    if not same.update(password=encoded):
        raise BadResetLink
    end_logins(user=user)


def _nobody() -> User:
    return User(username="nobody", email="nobody@localhost", password=UNUSABLE_PASSWORD_PREFIX)
