"""The account pages: logging in and out, password reset, search for users, and settings."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language

from accounts import services
from accounts.auth import password_reset
from accounts.auth.authentication import current_user, device_of
from accounts.auth.device_cookie import DEVICE_COOKIE_AGE, device_of_cookie, new_device_cookie
from accounts.auth.middleware import SESSION_LOGIN, remember_login
from accounts.auth.password_reset import BadResetLink
from accounts.forms import (
    AvatarForm,
    DeletionForm,
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetForm,
    PrivacyForm,
    ProfileForm,
    RegistrationForm,
    ResetLinkForm,
    ThemeForm,
    UserSearchForm,
)
from accounts.models import Login, User
from accounts.settings_page import present_settings
from chatflow.forms import status_of
from conversations.layout import is_fragment_wanted, present, private

SESSION_RESET_LINK = "reset_link"
THEME_SECONDS = 365 * 24 * 60 * 60


# --- logging in and out --------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next_page(request))
    form = LoginForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            login = services.log_in(**form.cleaned_data, device=device_of(request))
            return _start_session(request, login, _next_page(request))
    context = {
        "form": form,
        "registration_is_open": settings.REGISTRATION_OPEN,
        "has_login_ended": SESSION_LOGIN in request.session,
    }
    return render(request, "accounts/login.html", context, status=status_of(form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    form = RegistrationForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            login = services.register(**form.cleaned_data, device=device_of(request))
            return _start_session(request, login, "home")
    if form.is_bound:
        form.check_password()
    context = {"form": form, "registration_is_open": settings.REGISTRATION_OPEN}
    return render(request, "accounts/register.html", context, status=status_of(form))


def _start_session(request: HttpRequest, login: Login, to: str) -> HttpResponse:
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    remember_login(request, login, is_same_user=bool(device_of_cookie(cookie, login.user)))
    return _with_device_cookie(redirect(to), login.user)


def _with_device_cookie(response: HttpResponse, user: User) -> HttpResponse:
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        new_device_cookie(user),
        max_age=DEVICE_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def log_out(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return present(request, "accounts/log_out.html")
    services.end_login_of(user=current_user(request), login_id=_login(request).id)
    return _end_session(request)


# --- password reset ------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def request_reset(request: HttpRequest) -> HttpResponse:
    form = PasswordResetForm(request.POST or None)
    if form.is_valid():
        password_reset.request_reset(**form.cleaned_data, address=device_of(request).ip)
        messages.success(
            request, _("If an account with this email exists, we have sent it a link.")
        )
        return redirect("login")
    return render(request, "accounts/password_reset.html", {"form": form}, status=status_of(form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """Show the page of a reset link.

    The token moves from the URL to the session, so that it is not in the browser's history, in the
    Referer header or in what users copy from the address bar.
    """
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
    password_reset.find_by_link(**link)
    form = NewPasswordForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            password_reset.reset_password(
                **link, **form.cleaned_data, address=device_of(request).ip
            )
            request.session.flush()
            messages.success(request, _("Password changed. Log in with your new password."))
            return redirect("login")
    return render(request, "accounts/password_new.html", {"form": form}, status=status_of(form))


# --- other users ---------------------------------------------------------------------------------


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    context = UserSearchForm(request.GET).find_or_suggest(current_user(request))
    if is_fragment_wanted(request):
        return private(render(request, "accounts/_people.html", context))
    return present(request, "accounts/people.html", context)


# --- settings ------------------------------------------------------------------------------------


@login_required
@require_safe
def show_settings(request: HttpRequest) -> HttpResponse:
    return present_settings(request)


@login_required
@require_POST
def change_profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.update_profile(user=current_user(request), **form.cleaned_data)
            return _done(request, _("Saved."), card="profile")
    return present_settings(request, profile_form=form)


@login_required
@require_POST
def change_avatar(request: HttpRequest) -> HttpResponse:
    form = AvatarForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_errors():
            services.change_avatar(user=current_user(request), image=form.cleaned_data["file"])
            return _done(request, _("Photo updated"), card="photo")
    return present_settings(request, avatar_form=form)


@login_required
@require_POST
def remove_avatar(request: HttpRequest) -> HttpResponse:
    services.remove_avatar(user=current_user(request))
    return _done(request, _("Photo removed"), card="photo")


@login_required
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordChangeForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            user = services.change_password(
                user=current_user(request), **form.cleaned_data, login=_login(request)
            )
            text = _("Password changed. All other devices have been logged out.")
            return _with_device_cookie(_done(request, text, card="password"), user)
    return present_settings(request, password_form=form)


def choose_language(request: HttpRequest) -> HttpResponse:
    """Refuse unknown languages, because Django's view accepts any variant of a known one."""
    if request.method == "POST" and request.POST.get("language") not in dict(settings.LANGUAGES):
        raise BadRequest("No such language.")
    return set_language(request)


@login_required
@require_POST
def change_appearance(request: HttpRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    response = _back_to("appearance")
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
            services.update_profile(user=current_user(request), **form.cleaned_data)
            if is_fragment_wanted(request):
                return private(render(request, "components/_saved.html"))
            return _done(request, _("Saved."), card="privacy")
    return present_settings(request, privacy_form=form)


@login_required
@require_POST
def block(request: HttpRequest, username: str) -> HttpResponse:
    services.block(user=current_user(request), username=username)
    return redirect(_next_page(request, "settings"))


@login_required
@require_POST
def unblock(request: HttpRequest, username: str) -> HttpResponse:
    services.unblock(user=current_user(request), username=username)
    if to := _next_page(request, ""):
        return redirect(to)
    return _done(request, _("%(name)s is no longer blocked.") % {"name": username}, card="privacy")


@login_required
@require_safe
def shortcuts(request: HttpRequest) -> HttpResponse:
    return present(request, "accounts/shortcuts.html")


@login_required
@require_POST
def end_login(request: HttpRequest, login: uuid.UUID) -> HttpResponse:
    services.end_login_of(user=current_user(request), login_id=login)
    return _done(request, _("Device logged out."), card="logins")


@login_required
@require_POST
def delete_account(request: HttpRequest) -> HttpResponse:
    form = DeletionForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.delete_account(user=current_user(request), **form.cleaned_data)
            return _end_session(request)
    return present_settings(request, delete_form=form)


def _end_session(request: HttpRequest) -> HttpResponse:
    """End the session and clear what scripts have stored in the browser.

    The browser's cache is kept: it contains nothing private, and some browsers need seconds to
    clear it.
    """
    request.session.flush()
    response = redirect("login")
    response["Clear-Site-Data"] = '"storage"'
    return response


def _done(request: HttpRequest, text: str, *, card: str) -> HttpResponse:
    """Return to the settings and show a message in one of its cards."""
    messages.success(request, text, extra_tags=card)
    return _back_to(card)


def _back_to(card: str) -> HttpResponse:
    return redirect(f"{reverse('settings')}#{card}")


# --- reading requests ----------------------------------------------------------------------------


def _login(request: HttpRequest) -> Login:
    login: Login = request.login  # type: ignore[attr-defined]
    return login


def _next_page(request: HttpRequest, default: str = settings.LOGIN_REDIRECT_URL) -> str:
    """Return the `next` parameter if it is a local URL, because anyone may have made the link.

    It must begin with a slash: `redirect` takes anything else for the name of a view.
    """
    url = request.GET.get("next", "")
    is_local = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if is_local else default
