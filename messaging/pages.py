"""Messages as pages: an open conversation, its history, and what one does with a message."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from chatflow.compiled import compiled
from chatflow.errors import DomainError, Forbidden
from conversations.access import find_membership
from conversations.models import Membership
from conversations.shell import is_fragment_wanted, present, private
from messaging import history, services
from messaging.forms import BodyForm, EmojiForm, PlaceForm, ReplyForm, SendForm, SinceForm
from messaging.models import Message
from messaging.receipts import list_receipts
from messaging.reports import require_reportable

FAR_BEHIND = 300  # versions; beyond that a page is sooner there than every single change
MINE_SECONDS = 24 * 60 * 60
QUICK_EMOJI = ("👍", "❤️", "😂", "😮", "😢", "🙏")
INVALID = 422
OPENING = 30  # messages at first: more than a tall screen shows


# --- an open conversation ------------------------------------------------------------------------


@login_required
@require_safe
def conversation(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    place = _parsed(PlaceForm(request.GET))
    context = {
        "membership": membership,
        "history": _first_page(membership, place),
        "around": place["around"],
        "reply": _replied(membership, request),
    }
    return present(request, "messaging/conversation.html", context, open_conversation=conversation)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    if request.method == "POST":
        return _send(request, membership)
    place = _parsed(PlaceForm(request.GET))
    context = {
        "membership": membership,
        "history": _page(membership, place),
        "around": place["around"],
        "is_live": is_fragment_wanted(request),
    }
    return private(render(request, "messaging/_history.html", context))


def _send(request: HttpRequest, membership: Membership) -> HttpResponse:
    wanted = _parsed(SendForm(request.POST))
    message, is_new = services.send_message(
        membership=membership,
        body=wanted["body"],
        message_id=wanted["id"],
        reply_to=wanted["reply_to"],
    )
    if not is_fragment_wanted(request):
        return redirect("chat", membership.conversation_id)
    status = 201 if is_new else 200
    return private(HttpResponse(compiled("message.jinja", message=message), status=status))


@login_required
@require_safe
def changes(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """What the page missed since a version, or the advice to load the history afresh."""
    membership = find_membership(_user(request), conversation)
    since = _parsed(SinceForm(request.GET))["since"]
    changed = history.changes(membership, since)
    behind = membership.conversation.version - since
    context = {"changes": changed, "reset": behind < 0 or (changed.more and behind > FAR_BEHIND)}
    return private(render(request, "messaging/_changes.html", context))


@require_safe
@cache_control(public=True, max_age=MINE_SECONDS)
def mine(request: HttpRequest, user: uuid.UUID) -> HttpResponse:
    """The stylesheet of one viewer, so that a message need not know who is looking."""
    return render(request, "messaging/mine.css", {"id": user}, content_type="text/css")


# --- one message ---------------------------------------------------------------------------------


@login_required
@require_safe
def menu(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """What the asker may do with the message; also a page, for those without JavaScript."""
    membership, found = _find(request, conversation, message)
    given = {one.emoji for one in found.given_reactions if one.user_id == membership.user_id}
    context = {
        "message": found,
        "quick": [(emoji, emoji in given) for emoji in QUICK_EMOJI],
        "others": [emoji for emoji in sorted(given) if emoji not in QUICK_EMOJI],
        "is_editable": _is_allowed(services.require_editable, found, membership),
        "is_deletable": _is_allowed(services.require_deletable, found, membership),
        "is_reportable": _is_allowed(require_reportable, found, membership),
    }
    if is_fragment_wanted(request):
        return private(render(request, "messaging/_menu.html", context))
    return _message_page(request, "messaging/message.html", found, context)


@login_required
@require_safe
def info(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """Who has received the message, who has read it, and what they feel about it."""
    membership, found = _find(request, conversation, message)
    receipts = list_receipts(membership, found)
    read = [one for one in receipts if one.read_seq >= found.seq]
    waiting = [one for one in receipts if one.read_seq < found.seq]
    context = {
        "message": found,
        "read": read,
        "delivered": [one for one in waiting if one.delivered_seq >= found.seq],
        "sent": [one for one in waiting if one.delivered_seq < found.seq],
    }
    return _message_page(request, "messaging/message_info.html", found, context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership, found = _find(request, conversation, message)
    services.require_editable(found, membership)
    form = BodyForm(request.POST or None, initial={"body": found.body})
    if form.is_valid():
        with form.showing_errors():
            return _changed(
                request,
                services.edit_message(
                    membership=membership, message_id=message, body=form.cleaned_data["body"]
                ),
            )
    context = {"message": found, "form": form}
    status = INVALID if form.is_bound else 200
    return _message_page(request, "messaging/message_edit.html", found, context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership, found = _find(request, conversation, message)
    if request.method == "POST":
        deleted = services.delete_message(membership=membership, message_id=message)
        return _changed(request, deleted)
    return _message_page(request, "messaging/message_delete.html", found, {"message": found})


@login_required
@require_POST
def react(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    emoji = _parsed(EmojiForm(request.POST))["emoji"]
    return _changed(request, services.react(membership=membership, message_id=message, emoji=emoji))


@login_required
@require_POST
def withdraw(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership = find_membership(_user(request), conversation)
    emoji = _parsed(EmojiForm(request.POST))["emoji"]
    return _changed(
        request,
        services.withdraw_reaction(membership=membership, message_id=message, emoji=emoji),
    )


def _find(
    request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID
) -> tuple[Membership, Message]:
    membership = find_membership(_user(request), conversation)
    return membership, history.find_message(membership, message)


def _is_allowed(
    require: Callable[[Message, Membership], None], message: Message, membership: Membership
) -> bool:
    try:
        require(message, membership)
    except Forbidden:
        return False
    return True


def _message_page(
    request: HttpRequest, template: str, message: Message, context: dict[str, Any], **how: Any
) -> HttpResponse:
    return present(request, template, context, open_conversation=message.conversation_id, **how)


def _changed(request: HttpRequest, message: Message) -> HttpResponse:
    """The same fragment that everybody is sent live; without JavaScript, back to the message."""
    if is_fragment_wanted(request):
        return private(HttpResponse(compiled("message.jinja", message=message)))
    place = urlencode({"around": message.seq})
    return redirect(f"{reverse('chat', args=[message.conversation_id])}?{place}")


# --- which page ----------------------------------------------------------------------------------


def _first_page(membership: Membership, place: dict[str, int | None]) -> history.Page:
    """Where reading goes on: the newest messages, unless more is unread than they would show."""
    if any(seq is not None for seq in place.values()):
        return _page(membership, place)
    if membership.unread_count > OPENING // 2:
        return history.around(membership, membership.read_seq + 1, limit=OPENING)
    return history.newest(membership, limit=OPENING)


def _page(membership: Membership, place: dict[str, int | None]) -> history.Page:
    for find in (history.before, history.after, history.around):
        if (seq := place[find.__name__]) is not None:
            return find(membership, seq)
    return history.newest(membership)


def _replied(membership: Membership, request: HttpRequest) -> Message | None:
    """Without JavaScript the message that is answered comes with the address."""
    replied = _parsed(ReplyForm(request.GET))["reply"]
    return history.find_message(membership, replied) if replied else None


def _parsed(form: forms.Form) -> dict[str, Any]:
    for field, problems in form.errors.items():
        raise DomainError(str(problems[0]), field=field)
    return form.cleaned_data


def _user(request: HttpRequest) -> User:
    """For pages behind `login_required`."""
    user: User = request.user  # type: ignore[assignment]
    return user
