"""Pages for reporting a message or a user. They open in a dialog."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.auth.authentication import current_user
from accounts.models import User
from accounts.services import block
from chatflow.errors import NotFound
from chatflow.forms import status_of
from conversations.access import find_membership
from conversations.layout import is_fragment_wanted, present, private
from conversations.models import Membership
from messaging import history
from messaging.models import Message
from messaging.moderation import reports
from messaging.moderation.forms import ReportForm
from messaging.services import require_reportable


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_message(
    request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID
) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    found = history.find_message(membership, message)
    require_reportable(found, membership)
    assert found.sender  # only system messages have none
    return _report(request, membership, found.sender, found)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_person(request: HttpRequest, conversation: uuid.UUID, username: str) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    others = membership.conversation.memberships.active().exclude(id=membership.id)
    people = User.objects.reachable().filter(memberships__in=others)
    person = people.named(username).first()
    if person is None:
        raise NotFound
    return _report(request, membership, person, None)


def _report(
    request: HttpRequest, membership: Membership, person: User, message: Message | None
) -> HttpResponse:
    """Show the form, or report the message, or the person if there is no message."""
    form = ReportForm(request.POST or None)
    if person.is_deleted or person in User.objects.blocked_by(membership.user):
        del form.fields["block"]
    else:
        form.name_person(person.name)
    if form.is_valid():
        with form.showing_errors():
            fields = {name: form.cleaned_data[name] for name in ("reason", "comment")}
            if message:
                reports.report_message(membership=membership, message_id=message.id, **fields)
            else:
                reports.report_person(user=membership.user, username=person.username, **fields)
            if form.cleaned_data.get("block"):
                block(user=membership.user, username=person.username)
            return _confirmation(request, membership)
    context = {"membership": membership, "person": person, "message": message, "form": form}
    return present(
        request,
        "messaging/report.html",
        context,
        open_conversation=membership.conversation_id,
        status=status_of(form),
    )


def _confirmation(request: HttpRequest, membership: Membership) -> HttpResponse:
    if is_fragment_wanted(request):
        return private(render(request, "messaging/_reported.html"))
    return present(
        request,
        "messaging/reported.html",
        {"membership": membership},
        open_conversation=membership.conversation_id,
    )
