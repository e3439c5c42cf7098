"""Pages of the conversation list, of starting a conversation, and of its members."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.authentication import current_user
from accounts.forms import UserSearchForm
from accounts.models import User
from accounts.names import canonical
from chatflow.forms import INVALID, status_of
from chatflow.jinja import jinja
from chatflow.text.formatting import has_formatting
from conversations import services
from conversations.access import find_membership, has_blocked_counterpart, require_admin
from conversations.forms import (
    DraftForm,
    GroupForm,
    MembersForm,
    NewChatForm,
    RoleForm,
    SettingsForm,
    TitleForm,
)
from conversations.layout import is_fragment_wanted, present, private
from conversations.listing import (
    ListPage,
    Sidebar,
    count_unread_chats,
    list_archived,
    list_sidebar,
    members_of,
    show_conversation,
)
from conversations.models import Membership
from messaging.receipts import acknowledge

MEMBERS_PAGE_SIZE = 50


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the list without an open conversation, or more rows of the list or the archive."""
    cursor, archived_cursor = request.GET.get("cursor", ""), request.GET.get("archived", "")
    if not is_fragment_wanted(request) or not (cursor or archived_cursor):
        template = "conversations/home.html"
        return present(request, template, cursor=cursor, archived_cursor=archived_cursor)
    page: ListPage | Sidebar
    if archived_cursor:
        page = list_archived(current_user(request), cursor=archived_cursor)
    else:
        page = list_sidebar(current_user(request), cursor=cursor)
    context = {
        "memberships": page.memberships,
        "next_cursor": page.next,
        "is_archive": bool(archived_cursor),
    }
    return private(render(request, "conversations/_rows.html", context))


# --- starting ------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_chat(request: HttpRequest) -> HttpResponse:
    form = NewChatForm(request.POST or None)
    if form.is_valid():
        with form.showing_errors():
            conversation, _is_new = services.start_direct(
                user=current_user(request), username=form.cleaned_data["member"]
            )
            return redirect("chat", conversation.id)
    search = UserSearchForm(request.GET)
    context = search.find_or_suggest(current_user(request)) | {"form": form}
    return present(request, "conversations/new_chat.html", context, status=status_of(form))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_group(request: HttpRequest) -> HttpResponse:
    form = GroupForm(request.POST or None, initial={"title": request.GET.get("title", "")})
    if form.is_valid():
        with form.showing_errors():
            conversation = services.start_group(
                user=current_user(request),
                title=form.cleaned_data["title"],
                usernames=form.cleaned_data["members"],
            )
            return redirect("chat", conversation.id)
    search = UserSearchForm(request.GET)
    context = _picker(request, search.find_or_suggest(current_user(request))) | {"form": form}
    return present(request, "conversations/new_group.html", context, status=status_of(form))


# --- one conversation ----------------------------------------------------------------------------


@login_required
@require_safe
def row(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = show_conversation(current_user(request), conversation)
    row = jinja("row.jinja", memberships=[membership], open_conversation=None)
    return private(HttpResponse(row))


@login_required
@require_safe
def unread(request: HttpRequest) -> HttpResponse:
    """Return the number of unread chats, for pages that do not list all of them."""
    return private(
        HttpResponse(f'<data value="{count_unread_chats(current_user(request))}"></data>')
    )


@login_required
@require_safe
def bar(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    return private(render(request, "conversations/_bar.html", {"membership": membership}))


@login_required
@require_POST
def save_draft(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Save a draft. The answer shows how it will look, if it contains formatting."""
    membership = find_membership(current_user(request), conversation)
    form = DraftForm(request.POST)
    if form.is_valid():
        text = form.cleaned_data["text"]
        services.save_draft(membership=membership, text=text)
        if has_formatting(text):
            return private(render(request, "conversations/_preview.html", {"text": text}))
    return HttpResponse(status=204)


@login_required
@require_POST
def change_settings(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Pin, archive, mute, or mark as read or unread. The fragment is the one that the member's
    other devices receive."""
    membership = find_membership(current_user(request), conversation)
    form = SettingsForm(request.POST)
    if changes := form.changes():
        membership = services.change_settings(membership=membership, **changes)
    if form.is_read():
        acknowledge(membership=membership, read_seq=membership.conversation.last_seq)
    if is_fragment_wanted(request):
        return private(HttpResponse(jinja("membership.jinja", membership=membership, draft=None)))
    return redirect("chat", conversation)


@login_required
@require_safe
def info(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    return _info_page(request, find_membership(current_user(request), conversation))


@login_required
@require_POST
def rename(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    form = TitleForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.rename(membership=membership, **form.cleaned_data)
            return redirect("chat-info", conversation)
    return _info_page(request, membership, rename_form=form)


@login_required
@require_POST
def add_members(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    form = MembersForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            services.add_members(membership=membership, usernames=form.cleaned_data["members"])
            return redirect("chat-info", conversation)
    return _info_page(request, membership, members_form=form)


@login_required
@require_POST
def change_role(request: HttpRequest, conversation: uuid.UUID, username: str) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    form = RoleForm(request.POST)
    if form.is_valid():
        role = Membership.Role(form.cleaned_data["role"])
        member = services.change_role(membership=membership, username=username, role=role)
        if is_fragment_wanted(request):
            context = {"membership": membership, "member": member}
            return private(render(request, "conversations/_member.html", context))
    return redirect("chat-info", conversation)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: HttpRequest, conversation: uuid.UUID, username: str) -> HttpResponse:
    """Ask for confirmation, then remove a member or leave."""
    membership = find_membership(current_user(request), conversation)
    is_leaving = canonical(username) == membership.user.username
    if request.method != "POST" and is_leaving:
        return redirect("chat-info", conversation)  # which asks for confirmation
    if request.method != "POST":
        return _confirm_removal(request, membership, username)
    member = services.remove_member(membership=membership, username=username)
    if is_leaving:
        return redirect("home")
    if is_fragment_wanted(request):
        return private(render(request, "conversations/_member_removed.html", {"member": member}))
    text = _("%(name)s was removed from the group.") % {"name": member.user.name}
    messages.success(request, text, extra_tags="members")
    return redirect(f"{reverse('chat-info', args=[conversation])}#members")


def _confirm_removal(request: HttpRequest, membership: Membership, username: str) -> HttpResponse:
    require_admin(membership)
    member = services.find_member(membership.conversation, username)
    context = {"membership": membership, "member": member}
    return present(request, "conversations/member_remove.html", context)


def _info_page(request: HttpRequest, membership: Membership, **invalid: Any) -> HttpResponse:
    page = Paginator(members_of(membership), MEMBERS_PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "notices": list(messages.get_messages(request)),
        "membership": membership,
        "members": page,
        "is_blocked": has_blocked_counterpart(membership),
        "rename_form": TitleForm(initial={"title": membership.conversation.title}),
    }
    return present(
        request,
        "conversations/info.html",
        context | _picker(request, UserSearchForm(request.GET).find(membership.user)) | invalid,
        open_conversation=membership.conversation_id,
        status=INVALID if invalid else 200,
    )


def _picker(request: HttpRequest, found: dict[str, Any]) -> dict[str, Any]:
    """Add the people who are already selected to the context of a search, which leaves them out.

    Without JavaScript, both are sent by GET.
    """
    sent: QueryDict = request.POST or request.GET
    names = [canonical(name) for name in sent.getlist("members")]
    chosen = list(User.objects.reachable().filter(username__in=names))
    if found["people"]:
        found |= {"people": [person for person in found["people"] if person not in chosen]}
    return found | {"chosen": chosen}
