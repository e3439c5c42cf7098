"""Reporting a message or a person to the moderators, as pages that are shown in the dialog."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.authentication import asker
from accounts.models import User
from accounts.services import block
from chatflow.errors import NotFound
from conversations.access import find_membership
from conversations.models import Membership
from conversations.shell import is_fragment_wanted, present, private
from messaging import history, reports
from messaging.forms import ReportForm
from messaging.models import Report

INVALID = 422


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_message(
    request: HttpRequest, conversation: uuid.UUID, message: uuid.UUID
) -> HttpResponse:
    membership = find_membership(asker(request), conversation)
    found = history.find_message(membership, message)
    reports.require_reportable(found, membership)
    assert found.sender  # whatever may be reported has one
    form = _form(request, found.sender)
    if form.is_valid():
        with form.showing_errors():
            reports.report_message(membership=membership, message_id=message, **_words(form))
            return _thanks(request, membership, found.sender, form)
    return _report_page(request, membership, found.sender, form=form, message=found)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_person(request: HttpRequest, conversation: uuid.UUID, username: str) -> HttpResponse:
    membership = find_membership(asker(request), conversation)
    person = _fellow(membership, username)
    form = _form(request, person)
    if form.is_valid():
        with form.showing_errors():
            reports.report_person(user=membership.user, username=username, **_words(form))
            return _thanks(request, membership, person, form)
    return _report_page(request, membership, person, form=form)


def _fellow(membership: Membership, username: str) -> User:
    """Somebody else who is in the conversation, and neither suspended nor gone."""
    members = membership.conversation.memberships.active().exclude(id=membership.id)
    people = User.objects.reachable().filter(memberships__in=members)
    fellow = people.named(username).first()
    if fellow is None:
        raise NotFound
    return fellow


def _form(request: HttpRequest, person: User) -> ReportForm:
    form = ReportForm(request.POST or None)
    if person.is_deleted or person in User.objects.blocked_by(asker(request)):
        del form.fields["block"]
    else:
        form.name_person(person.name)
    return form


def _words(form: ReportForm) -> dict[str, Any]:
    reason = Report.Reason(form.cleaned_data["reason"])
    return {"reason": reason, "comment": form.cleaned_data["comment"]}


def _thanks(
    request: HttpRequest, membership: Membership, person: User, form: ReportForm
) -> HttpResponse:
    if form.cleaned_data.get("block"):
        block(user=membership.user, username=person.username)
    if is_fragment_wanted(request):
        return private(render(request, "messaging/_reported.html"))
    return _page(request, membership, "messaging/reported.html", {})


def _report_page(
    request: HttpRequest, membership: Membership, person: User, **context: Any
) -> HttpResponse:
    status = INVALID if context["form"].is_bound else 200
    return _page(
        request, membership, "messaging/report.html", context | {"person": person}, status=status
    )


def _page(
    request: HttpRequest, membership: Membership, template: str, context: dict[str, Any], **how: Any
) -> HttpResponse:
    context |= {"membership": membership}
    return present(request, template, context, open_conversation=membership.conversation_id, **how)
