"""Renders the settings page, also with the errors of one of its forms.

Used by the views in `accounts.pages` and `messaging.export.pages` that receive these forms.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from accounts.auth.authentication import current_user
from accounts.forms import (
    AvatarForm,
    DeletionForm,
    ExportForm,
    PasswordChangeForm,
    PrivacyForm,
    ProfileForm,
    ThemeForm,
)
from accounts.models import Login, User
from chatflow.forms import INVALID
from conversations.layout import present


def present_settings(request: HttpRequest, **invalid_form: Any) -> HttpResponse:
    """Render all forms with the stored values, except the invalid form that the user has sent."""
    user = User.objects.get(id=current_user(request).id)  # without what the invalid form has set
    context = {
        "user": user,
        "notices": list(messages.get_messages(request)),  # a list, since each card iterates over it
        "profile_form": ProfileForm(
            initial={"display_name": user.display_name, "about": user.about}
        ),
        "avatar_form": AvatarForm(),
        "privacy_form": PrivacyForm(
            initial={
                "last_seen_to": user.last_seen_to,
                "shows_read_receipts": user.shows_read_receipts,
            }
        ),
        "theme_form": ThemeForm(initial={"theme": request.COOKIES.get("theme", "system")}),
        "languages": settings.LANGUAGES,
        "blocked": User.objects.blocked_by(user),
        "password_form": PasswordChangeForm(),
        "export_form": ExportForm(),
        "delete_form": DeletionForm(),
        "logins": Login.objects.active().filter(user=user).order_by("-last_used_at"),
    }
    status = INVALID if invalid_form else 200
    return present(request, "accounts/settings.html", context | invalid_form, status=status)
