"""Forms of the account pages. They parse input; the services decide."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import (
    InvalidPassword,
    SearchTooShort,
    find_users,
    require_good_password,
)
from chatflow.forms import DomainForm
from conversations.listing import recent_people

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_RESULTS = 20
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
        _("Password"), autocomplete="new-password", help_text=_("At least 8 characters.")
    )

    def check_password(self) -> None:
        """Report a weak password together with the other errors, and show a valid one again."""
        fields = self.cleaned_data
        if password := fields.get("password"):
            user = User(username=fields.get("username", ""), email=fields.get("email", ""))
            try:
                require_good_password(password, user)
            except InvalidPassword as error:
                self.add_error("password", str(error.message))
        widget = self.fields["password"].widget
        assert isinstance(widget, forms.PasswordInput)
        widget.render_value = "password" not in self.errors


class PasswordResetForm(DomainForm):
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": ""}),
    )


class ResetLinkForm(forms.Form):
    """The query of a link in a password reset email."""

    uid = forms.CharField(max_length=36)
    token = forms.CharField(max_length=100)


class NewPasswordForm(DomainForm):
    password = password_field(
        _("New password"), autocomplete="new-password", help_text=_("At least 8 characters.")
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
    """The theme. It is stored in a cookie, so that pages are rendered with it from the start."""

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
        label=_("Last seen and online"),
        choices=User.Visibility.choices,
        help_text=_("If you hide yours, you cannot see other people's."),
    )
    shows_read_receipts = forms.BooleanField(
        label=_("Read receipts"),
        required=False,
        help_text=_(
            "Direct chats only. If you turn this off, you will not see read receipts from "
            "others either."
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
        _("New password"), autocomplete="new-password", help_text=_("At least 8 characters.")
    )


class ExportForm(DomainForm):
    password = password_field(_("Confirm your password"), autocomplete="current-password")

    prefix = "export"  # the page has another field called password


class DeletionForm(DomainForm):
    password = password_field(_("Your password"), autocomplete="current-password")


class UserSearchForm(forms.Form):
    """A search for users. With `pick` the results have checkboxes."""

    search = forms.CharField(max_length=100, required=False)
    q = forms.CharField(
        max_length=100, required=False
    )  # the same, from the search field above the conversations
    pick = forms.BooleanField(required=False)

    def find(self, user: User) -> dict[str, Any]:
        """Return the template context; `people` is None if the search is empty or too short."""
        fields = self.cleaned_data if self.is_valid() else {}
        search = fields.get("search") or fields.get("q", "")
        people = None
        if search:
            with suppress(SearchTooShort):
                people = find_users(user=user, text=search, limit=MOST_RESULTS).users
        return {
            "search": search,
            "people": people,
            "pick": fields.get("pick", False),
            "is_too_short": bool(search) and people is None,
        }

    def find_or_suggest(self, user: User) -> dict[str, Any]:
        """Like `find`, but offer the people of the user's chats while nothing is searched for."""
        context = self.find(user)
        if context["search"] or "q" in self.data:
            return context
        return context | {"people": recent_people(user), "is_suggested": True}
