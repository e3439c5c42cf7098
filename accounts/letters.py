"""What we write to people by mail, in the language of whoever asked for it."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User


def password_reset(user: User, *, token: str) -> EmailMessage:
    """The link has its token in the query, which no access log of ours writes down."""
    query = urlencode({"uid": str(user.id), "token": token})
    # PUBLIC_URL and never the Host header: whoever asks could make us mail a link to their server.
    link = f"{settings.PUBLIC_URL}{reverse('password-reset-new')}?{query}"
    words = {"user": user, "link": link, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    return EmailMessage(
        subject=_("Choose a new password for ChatFlow"),
        body=render_to_string("accounts/letters/password_reset.txt", words),
        to=[user.email or ""],
    )
