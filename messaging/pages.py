"""Pages of an open conversation, its history, and single messages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.authentication import current_user
from chatflow.api.cursors import DEFAULT_PAGE_SIZE
from chatflow.errors import DomainError, Forbidden
from chatflow.forms import status_of
from chatflow.jinja import jinja
from conversations.access import find_membership, has_blocked_counterpart
from conversations.layout import is_fragment_wanted, present, private
from conversations.listing import tint_order
from conversations.models import Membership
from messaging import history, services
from messaging.forms import BodyForm, EmojiForm, PositionForm, ReplyForm, SendForm, SinceForm
from messaging.models import MAX_BODY_LENGTH, Message
from messaging.receipts import list_receipts

FAR_BEHIND = 300  # versions; loading the page is then faster than applying every change
QUICK_EMOJI = ("👍", "❤️", "😂", "😮", "😢", "🙏")
NO_MESSAGE = uuid.UUID(int=0)  # a placeholder in URLs that the page's scripts complete
OPENING_PAGE_SIZE = 30  # messages; more than a tall screen shows


# --- an open conversation ------------------------------------------------------------------------


@login_required
@require_safe
def conversation(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    position = _parsed(PositionForm(request.GET))
    context = {
        "membership": membership,
        "history": _opening_page(membership, position),
        "around": position["around"],
        "tints": tint_order(membership),
        "is_blocked": has_blocked_counterpart(membership),
        "reply": _quoted(membership, request),
        "max_body_length": MAX_BODY_LENGTH,
        "max_attachment_size": settings.ATTACHMENT_MAX_BYTES,
        "quick": [(emoji, False) for emoji in QUICK_EMOJI],
        "placeholder": Message(id=NO_MESSAGE, conversation=membership.conversation),
    }
    return present(request, "messaging/conversation.html", context, open_conversation=conversation)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    if request.method == "POST":
        return _send(request, membership)
    position = _parsed(PositionForm(request.GET))
    context = {
        "membership": membership,
        "history": history.find_page(membership, **position),
        "around": position["around"],
        "tints": tint_order(membership),
        "is_live": is_fragment_wanted(request),
    }
    return private(render(request, "messaging/_history.html", context))


def _send(request: HttpRequest, membership: Membership) -> HttpResponse:
    fields = _parsed(SendForm(request.POST))
    message, is_new = services.send_message(
        membership=membership,
        body=fields["body"],
        message_id=fields["id"],
        reply_to=fields["reply_to"],
        attachments=fields["attachments"],
    )
    if not is_fragment_wanted(request):
        return redirect("chat", membership.conversation_id)
    response = HttpResponse(_article(membership, message))
    if is_new:
        response.status_code = 201
        response["Location"] = _url_of(message)
    return private(response)


@login_required
@require_safe
def changes(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Return what the page has missed since a version, or tell it to reload the history."""
    membership = find_membership(current_user(request), conversation)
    since = _parsed(SinceForm(request.GET))["since"]
    changed = history.changes(membership, since)
    behind = membership.conversation.version - since
    context = {
        "membership": membership,
        "changes": changed,
        "reset": behind < 0 or (changed.more and behind > FAR_BEHIND),
    }
    return private(render(request, "messaging/_changes.html", context))


# --- one message ---------------------------------------------------------------------------------


@login_required
@require_safe
def menu(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """Show what the current user may do with the message. Without JavaScript it is a page."""
    membership, found = _find(request, conversation, message)
    given = {one.emoji for one in found.given_reactions if one.user_id == membership.user_id}
    context = {
        "message": found,
        "has_text": bool(found.body),
        "quick": [(emoji, emoji in given) for emoji in QUICK_EMOJI],
        "others": [emoji for emoji in sorted(given) if emoji not in QUICK_EMOJI],
        "is_editable": _is_allowed(services.require_editable, found, membership),
        "is_deletable": _is_allowed(services.require_deletable, found, membership),
        "is_reportable": _is_allowed(services.require_reportable, found, membership),
    }
    if is_fragment_wanted(request):
        return private(render(request, "messaging/_menu.html", context))
    return _message_page(request, "messaging/message.html", found, context)


@login_required
@require_safe
def info(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """Show who has received and read the message, and the reactions to it."""
    membership, found = _find(request, conversation, message)
    receipts = [
        one for one in list_receipts(membership, found) if one.user_id != membership.user_id
    ]
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
                membership,
                services.edit_message(
                    membership=membership, message_id=message, body=form.cleaned_data["body"]
                ),
            )
    context = {"message": found, "form": form}
    template, status = "messaging/message_edit.html", status_of(form)
    return _message_page(request, template, found, context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership, found = _find(request, conversation, message)
    if request.method == "POST":
        deleted = services.delete_message(membership=membership, message_id=message)
        return _changed(request, membership, deleted)
    return _message_page(request, "messaging/message_delete.html", found, {"message": found})


@login_required
@require_POST
def react(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    emoji = _parsed(EmojiForm(request.POST))["emoji"]
    reacted = services.react(membership=membership, message_id=message, emoji=emoji)
    return _changed(request, membership, reacted)


@login_required
@require_POST
def withdraw(request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    emoji = _parsed(EmojiForm(request.POST))["emoji"]
    return _changed(
        request,
        membership,
        services.withdraw_reaction(membership=membership, message_id=message, emoji=emoji),
    )


def _find(
    request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID
) -> tuple[Membership, Message]:
    membership = find_membership(current_user(request), conversation)
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
    request: HttpRequest, template: str, message: Message, context: dict[str, Any], **kwargs: Any
) -> HttpResponse:
    return present(request, template, context, open_conversation=message.conversation_id, **kwargs)


def _article(membership: Membership, message: Message) -> str:
    return jinja("message.jinja", messages=[message], since_seq=membership.since_seq)


def _changed(request: HttpRequest, membership: Membership, message: Message) -> HttpResponse:
    """Return the fragment that live events carry, or without JavaScript redirect to the message."""
    if is_fragment_wanted(request):
        return private(HttpResponse(_article(membership, message)))
    return redirect(_url_of(message))


def _url_of(message: Message) -> str:
    position = urlencode({"around": message.seq})
    return f"{reverse('chat', args=[message.conversation_id])}?{position}"


# --- request parameters --------------------------------------------------------------------------


def _opening_page(membership: Membership, position: dict[str, int | None]) -> history.Page:
    """Return the page at the position, or the one where the member stopped reading."""
    is_at_position = any(seq is not None for seq in position.values())
    if not is_at_position and membership.unread_count > OPENING_PAGE_SIZE // 2:
        position = position | {"around": membership.read_seq + 1}
    limit = DEFAULT_PAGE_SIZE if is_at_position else OPENING_PAGE_SIZE
    return history.find_page(membership, **position, limit=limit)


def _quoted(membership: Membership, request: HttpRequest) -> Message | None:
    """Return the message that is being replied to. Without JavaScript its id is in the URL."""
    message_id = _parsed(ReplyForm(request.GET))["reply"]
    return history.find_message(membership, message_id) if message_id else None


def _parsed(form: forms.Form) -> dict[str, Any]:
    """Return the form's values; raises DomainError with its first error."""
    if not form.is_valid():
        field, messages = next(iter(form.errors.items()))
        raise DomainError(str(messages[0]), field=field)
    return form.cleaned_data
