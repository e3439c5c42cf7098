"""Accounts as pages: coming in, going out, finding people, one's settings."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import recovery, services
from accounts.forms import (
    AvatarForm,
    DeletionForm,
    ExportForm,
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetForm,
    PeopleForm,
    PrivacyForm,
    ProfileForm,
    RegistrationForm,
    ResetLinkForm,
    ThemeForm,
)
from accounts.marks import MARK_AGE, new_mark
from accounts.middleware import remember_login
from accounts.models import Login, User
from accounts.recovery import BadResetLink
from accounts.services import Device
from conversations.shell import is_fragment_wanted, present, private
from messaging.downloads import download
from messaging.export import export

INVALID = 422
SESSION_RESET_LINK = "reset_link"
THEME_SECONDS = 365 * 24 * 60 * 60


# --- coming and going ----------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next_page(request))
    form = LoginForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            login = services.sign_in(**form.cleaned_data, device=_device(request))
            return _come_in(request, login, _next_page(request))
    context = {"form": form, "registration_is_open": settings.REGISTRATION_OPEN}
    return render(request, "accounts/login.html", context, status=_status(form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    form = RegistrationForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            login = services.register(**form.cleaned_data, device=_device(request))
            return _come_in(request, login, "home")
    context = {"form": form, "registration_is_open": settings.REGISTRATION_OPEN}
    return render(request, "accounts/register.html", context, status=_status(form))


def _come_in(request: HttpRequest, login: Login, to: str) -> HttpResponse:
    remember_login(request, login)
    response = redirect(to)
    response.set_cookie(
        settings.MARK_COOKIE_NAME,
        new_mark(login.user),
        max_age=MARK_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@login_required
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    services.end_login(login=_login(request))
    return _farewell(request)


# --- a forgotten password ------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_reset(request: HttpRequest) -> HttpResponse:
    form = PasswordResetForm(request.POST or None)
    if form.is_valid():
        recovery.ask_for_reset(**form.cleaned_data, address=_device(request).ip)
        messages.success(
            request, _("If there is an account with this email, a link is on its way to it.")
        )
        return redirect("login")
    return render(request, "accounts/password_reset.html", {"form": form}, status=_status(form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """Where the mailed link leads; what it says moves out of the address, and so out of history,
    Referer and what is copied from the address bar, into the session."""
    if request.GET:
        link = ResetLinkForm(request.GET)
        request.session[SESSION_RESET_LINK] = link.cleaned_data if link.is_valid() else {}
        return redirect(request.path)
    try:
        return _choose_password(request, request.session.get(SESSION_RESET_LINK) or {})
    except BadResetLink as error:
        messages.error(request, error.message)
        return redirect("password-reset")


def _choose_password(request: HttpRequest, link: dict[str, str]) -> HttpResponse:
    link = {"uid": "", "token": ""} | link
    recovery.find_by_link(**link)
    form = NewPasswordForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            recovery.reset_password(**link, **form.cleaned_data)
            request.session.flush()
            messages.success(request, _("Changed. Log in with your new password."))
            return redirect("login")
    return render(request, "accounts/password_new.html", {"form": form}, status=_status(form))


# --- people --------------------------------------------------------------------------------------


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    found = PeopleForm(request.GET).find(_user(request))
    if is_fragment_wanted(request):
        return private(render(request, "accounts/_people.html", found))
    return present(request, "accounts/people.html", found)


# --- settings ------------------------------------------------------------------------------------


@login_required
@require_safe
def show_settings(request: HttpRequest) -> HttpResponse:
    return _settings_page(request)


@login_required
@require_POST
def change_profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.update_profile(user=_user(request), **form.cleaned_data)
            return _done(request, _("Saved."))
    return _settings_page(request, profile_form=form)


@login_required
@require_POST
def change_avatar(request: HttpRequest) -> HttpResponse:
    form = AvatarForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_errors():
            services.change_avatar(user=_user(request), picture=form.cleaned_data["file"])
            return _done(request, _("This is you now."))
    return _settings_page(request, avatar_form=form)


@login_required
@require_POST
def remove_avatar(request: HttpRequest) -> HttpResponse:
    services.remove_avatar(user=_user(request))
    return _done(request, _("The photo is gone."))


@login_required
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordChangeForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.change_password(
                user=_user(request), **form.cleaned_data, login=_login(request)
            )
            return _done(request, _("Changed. Every other device is signed out."))
    return _settings_page(request, password_form=form)


@login_required
@require_POST
def change_appearance(request: HttpRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    response = redirect("settings")
    if form.is_valid():
        response.set_cookie(
            "theme",
            form.cleaned_data["theme"],
            max_age=THEME_SECONDS,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


@login_required
@require_POST
def change_privacy(request: HttpRequest) -> HttpResponse:
    form = PrivacyForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.update_privacy(user=_user(request), **form.cleaned_data)
            return _done(request, _("Saved."))
    return _settings_page(request, privacy_form=form)


@login_required
@require_POST
def block(request: HttpRequest, username: str) -> HttpResponse:
    services.block(user=_user(request), username=username)
    return redirect(_next_page(request, "settings"))


@login_required
@require_POST
def unblock(request: HttpRequest, username: str) -> HttpResponse:
    services.unblock(user=_user(request), username=username)
    return redirect(_next_page(request, "settings"))


@login_required
@require_safe
def shortcuts(request: HttpRequest) -> HttpResponse:
    return present(request, "accounts/shortcuts.html")


@login_required
@require_POST
def end_login(request: HttpRequest, login: uuid.UUID) -> HttpResponse:
    services.end_login_of(user=_user(request), login_id=login)
    return _done(request, _("That device is signed out."))


@login_required
@require_POST
def export_data(request: HttpRequest) -> HttpResponseBase:
    form = ExportForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            return download(export(user=_user(request), **form.cleaned_data))
    return _settings_page(request, export_form=form)


@login_required
@require_POST
def delete_account(request: HttpRequest) -> HttpResponse:
    form = DeletionForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.delete_account(user=_user(request), **form.cleaned_data)
            return _farewell(request)
    return _settings_page(request, delete_form=form)


def _farewell(request: HttpRequest) -> HttpResponse:
    """The browser forgets what scripts have stored. Not its cache, which has nothing private, and
    which some browsers need seconds to empty."""
    request.session.flush()
    response = redirect("login")
    response["Clear-Site-Data"] = '"storage"'
    return response


def _settings_page(request: HttpRequest, **invalid: Any) -> HttpResponse:
    """All forms fresh, but for the one that was sent and has errors."""
    user = User.objects.get(id=_user(request).id)  # an invalid form may have touched the other one
    context = {
        "user": user,
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
        "logins": Login.objects.living().filter(user=user).order_by("-last_used_at"),
    }
    status = INVALID if invalid else 200
    return present(request, "accounts/settings.html", context | invalid, status=status)


def _done(request: HttpRequest, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("settings")


# --- what requests say ---------------------------------------------------------------------------


def _user(request: HttpRequest) -> User:
    """For pages behind `login_required`."""
    user: User = request.user  # type: ignore[assignment]
    return user


def _login(request: HttpRequest) -> Login:
    login: Login = request.login  # type: ignore[attr-defined]
    return login


def _device(request: HttpRequest) -> Device:
    return Device(
        kind=Login.Kind.BROWSER,
        user_agent=request.headers.get("User-Agent", ""),
        ip=request.META.get("REMOTE_ADDR", ""),
        mark=request.COOKIES.get(settings.MARK_COOKIE_NAME, ""),
    )


def _next_page(request: HttpRequest, otherwise: str = settings.LOGIN_REDIRECT_URL) -> str:
    """Only ever a page of ours: the address comes from a link that anybody may have made.

    It begins with a slash, for `redirect` takes anything else for the name of a view.
    """
    target = request.GET.get("next", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else otherwise


def _status(form: Any) -> int:
    return INVALID if form.is_bound else 200
