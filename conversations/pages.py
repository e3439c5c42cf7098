"""Conversations as pages: the list, starting one, and who is in it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import PeopleForm
from accounts.models import User
from accounts.names import canonical
from chatflow.compiled import compiled
from conversations import services
from conversations.access import find_membership
from conversations.forms import (
    DraftForm,
    GroupForm,
    MembersForm,
    NewChatForm,
    RoleForm,
    SettingsForm,
    TitleForm,
)
from conversations.listing import list_sidebar, members_of, show_conversation
from conversations.models import Membership
from conversations.shell import is_fragment_wanted, present, private

INVALID = 422
MEMBERS_PAGE = 50


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """No conversation is open. With a cursor: the rows that come after it."""
    cursor = request.GET.get("cursor", "")
    if cursor and is_fragment_wanted(request):
        listed = list_sidebar(_user(request), cursor=cursor)
        context = {"memberships": listed.memberships, "next_cursor": listed.next}
        return private(render(request, "conversations/_rows.html", context))
    return present(request, "conversations/home.html", cursor=cursor)


# --- starting ------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_chat(request: HttpRequest) -> HttpResponse:
    form = NewChatForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            conversation, _is_new = services.start_direct(
                user=_user(request), username=form.cleaned_data["member"]
            )
            return redirect("chat", conversation.id)
    context = PeopleForm(request.GET).find(_user(request)) | {"form": form}
    return present(request, "conversations/new_chat.html", context, status=_status(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_group(request: HttpRequest) -> HttpResponse:
    form = GroupForm(request.POST or None, initial={"title": request.GET.get("title", "")})
    if form.is_valid():
        with form.showing_errors():
            conversation = services.start_group(
                user=_user(request),
                title=form.cleaned_data["title"],
                usernames=form.cleaned_data["members"],
            )
            return redirect("chat", conversation.id)
    context = _picker(request) | {"form": form}
    return present(request, "conversations/new_group.html", context, status=_status(form))


# --- one conversation ----------------------------------------------------------------------------


@login_required
@require_safe
def row(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = show_conversation(_user(request), conversation)
    row = compiled("row.jinja", membership=membership, open_conversation=None)
    return private(HttpResponse(row))


@login_required
@require_safe
def bar(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    return private(render(request, "conversations/_bar.html", {"membership": membership}))


@login_required
@require_POST
def save_draft(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    form = DraftForm(request.POST)
    if form.is_valid():
        services.save_draft(membership=membership, text=form.cleaned_data["text"])
    return HttpResponse(status=204)


@login_required
@require_POST
def change_settings(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Pinned, archived, muted; answers what all of one's devices are told."""
    membership = find_membership(_user(request), conversation)
    if changes := SettingsForm(request.POST).changes():
        services.change_settings(membership=membership, **changes)
    if is_fragment_wanted(request):
        return private(
            render(request, "conversations/_membership.html", {"membership": membership})
        )
    return redirect("chat", conversation)


@login_required
@require_safe
def info(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    return _info_page(request, find_membership(_user(request), conversation))


@login_required
@require_POST
def rename(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    form = TitleForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.rename(membership=membership, **form.cleaned_data)
            return redirect("chat-info", conversation)
    return _info_page(request, membership, rename_form=form)


@login_required
@require_POST
def add_members(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    form = MembersForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.add_members(membership=membership, usernames=form.cleaned_data["members"])
            return redirect("chat-info", conversation)
    return _info_page(request, membership, members_form=form)


@login_required
@require_POST
def change_role(request: HttpRequest, conversation: uuid.UUID, username: str) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    form = RoleForm(request.POST)
    if form.is_valid():
        role = Membership.Role(form.cleaned_data["role"])
        services.change_role(membership=membership, username=username, role=role)
    return redirect("chat-info", conversation)


@login_required
@require_POST
def remove_member(request: HttpRequest, conversation: uuid.UUID, username: str) -> HttpResponse:
    """Leaving, when it is oneself; then there is nothing here any more to come back to."""
    membership = find_membership(_user(request), conversation)
    services.remove_member(membership=membership, username=username)
    is_still_in = Membership.objects.active().filter(id=membership.id).exists()
    return redirect("chat-info", conversation) if is_still_in else redirect("home")


def _info_page(request: HttpRequest, membership: Membership, **invalid: Any) -> HttpResponse:
    counterpart = membership.counterpart
    page = Paginator(members_of(membership), MEMBERS_PAGE).get_page(request.GET.get("page"))
    context = {
        "membership": membership,
        "members": page,
        "is_blocked": counterpart in User.objects.blocked_by(membership.user),
        "rename_form": TitleForm(initial={"title": membership.conversation.title}),
    }
    return present(
        request,
        "conversations/info.html",
        context | _picker(request) | invalid,
        open_conversation=membership.conversation_id,
        status=INVALID if invalid else 200,
    )


# --- what requests say ---------------------------------------------------------------------------


def _picker(request: HttpRequest) -> dict[str, Any]:
    """Whom the search finds, and who is ticked already; without JavaScript both come by GET."""
    sent: QueryDict = request.POST or request.GET
    names = [canonical(name) for name in sent.getlist("members")]
    chosen = User.objects.reachable().filter(username__in=names)
    return PeopleForm(request.GET).find(_user(request)) | {"chosen": list(chosen)}


def _user(request: HttpRequest) -> User:
    """For pages behind `login_required`."""
    user: User = request.user  # type: ignore[assignment]
    return user


def _status(form: NewChatForm | GroupForm) -> int:
    return INVALID if form.is_bound else 200
