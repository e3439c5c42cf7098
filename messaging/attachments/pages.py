"""The page of a conversation's media and files."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.auth.authentication import current_user
from chatflow.times import zone_of
from conversations.access import find_membership
from conversations.layout import present
from messaging.attachments.media import list_media
from messaging.forms import PositionForm


@login_required
@require_safe
def media(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    membership = find_membership(current_user(request), conversation)
    form = PositionForm(request.GET)
    before = form.cleaned_data["before"] if form.is_valid() else None
    with timezone.override(zone_of(request)):
        page = list_media(membership, before=before)
    context = {"membership": membership, "months": page.months, "next": page.next}
    return present(request, "messaging/media.html", context, open_conversation=conversation)
