"""The forms about accounts: they parse, the services decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import SHORTEST_SEARCH, find_by_text
from chatflow.forms import DomainForm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FOUND_PEOPLE = 20
LONGEST_PASSWORD = 1000


def password_field(
    label: StrOrPromise, *, autocomplete: str, help_text: StrOrPromise = ""
) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(
        label=label, max_length=LONGEST_PASSWORD, strip=False, widget=widget, help_text=help_text
    )


def name_input(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"} | attrs)


class LoginForm(DomainForm):
    login = forms.CharField(
        label=_("Username or email"),
        max_length=254,
        widget=name_input(autocomplete="username", autofocus=""),
    )
    password = password_field(_("Password"), autocomplete="current-password")


class RegistrationForm(DomainForm):
    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=name_input(autocomplete="username", autofocus=""),
        help_text=_("3 to 30 letters a–z, digits or underscores."),
    )
    email = forms.EmailField(
        label=_("Email"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = password_field(
        _("Password"), autocomplete="new-password", help_text=_("8 characters or more.")
    )


class PasswordResetForm(DomainForm):
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": ""}),
    )


class ResetLinkForm(forms.Form):
    """What the mailed link says in its query."""

    uid = forms.CharField(max_length=36)
    token = forms.CharField(max_length=100)


class NewPasswordForm(DomainForm):
    password = password_field(
        _("New password"), autocomplete="new-password", help_text=_("8 characters or more.")
    )


class ProfileForm(DomainForm):
    display_name = forms.CharField(
        label=_("Name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    about = forms.CharField(
        label=_("About"),
        max_length=140,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": _("A few words about you")}),
    )


class ThemeForm(forms.Form):
    """Kept in a cookie, so that the very first paint is right."""

    theme = forms.ChoiceField(
        label=_("Theme"),
        choices=[
            ("system", _("System")),
            ("light", _("Light")),
            ("dark", _("Dark")),
        ],
    )


class PrivacyForm(DomainForm):
    last_seen_to = forms.ChoiceField(
        label=_("Who sees when I am online"),
        choices=User.Audience.choices,
        help_text=_("Whoever hides it does not see it of others either."),
    )
    shows_read_receipts = forms.BooleanField(
        label=_("Read receipts"),
        required=False,
        help_text=_(
            "Without them nobody learns what you have read, and you do not learn it of them."
        ),
    )


class AvatarForm(DomainForm):
    file = forms.FileField(
        label=_("Photo"),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )


class PasswordChangeForm(DomainForm):
    current = password_field(_("Current password"), autocomplete="current-password")
    new = password_field(
        _("New password"), autocomplete="new-password", help_text=_("8 characters or more.")
    )


class ExportForm(DomainForm):
    password = password_field(_("Your password, to export"), autocomplete="current-password")

    prefix = "export"  # the page has another password


class DeletionForm(DomainForm):
    password = password_field(_("Your password"), autocomplete="current-password")


class PeopleForm(forms.Form):
    """The search for people; `pick` asks for boxes to tick."""

    search = forms.CharField(max_length=100, required=False)
    q = forms.CharField(max_length=100, required=False)  # what the list's search calls it
    pick = forms.BooleanField(required=False)

    def find(self, user: User) -> dict[str, Any]:
        """What was asked, and whom it means: nobody as long as too little is known of a name."""
        asked = self.cleaned_data if self.is_valid() else {}
        search = asked.get("search") or asked.get("q", "")
        is_enough = len(search) >= SHORTEST_SEARCH
        people = find_by_text(user=user, text=search)[:FOUND_PEOPLE] if is_enough else []
        return {"search": search, "people": list(people), "pick": asked.get("pick", False)}
