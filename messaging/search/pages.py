"""The search page, and its fragments: results while the user types, and further pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.auth.authentication import current_user
from accounts.models import User
from chatflow.times import zone_of
from conversations.layout import present, private
from conversations.models import Membership
from messaging.search.forms import SearchForm
from messaging.search.query import NothingToFind, TooMuchToFind
from messaging.search.results import search as find

MAX_CHATS = 200  # in the filter by conversation
FRAGMENTS = {"found": "messaging/_found.html", "more-found": "messaging/_hits.html"}


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET, zone=zone_of(request))
    context = _results(request, form) | {"form": form, "address": _address(form)}
    target = request.htmx.target  # type: ignore[attr-defined]
    if target not in FRAGMENTS:
        context |= _chats(current_user(request), form)
        return present(request, "messaging/search.html", context)
    return private(render(request, FRAGMENTS[target], context))


def _results(request: HttpRequest, form: SearchForm) -> dict[str, Any]:
    """Return the results for the template, or nothing if the user has not typed anything."""
    if not form.is_valid() or not form.cleaned_data["q"]:
        return {}
    query = form.query()
    try:
        page = find(user=current_user(request), query=query, cursor=request.GET.get("cursor", ""))
    except (NothingToFind, TooMuchToFind) as error:
        return {"error": error.message}
    return {"text": query.text, "results": page.results, "older_cursor": page.next}


def _address(form: SearchForm) -> str:
    """Return the URL of this search with the filters that are set."""
    parameters = {name: form.data[name] for name in form.fields if form.data.get(name)}
    return f"{reverse('search')}?{urlencode(parameters)}"


def _chats(user: User, form: SearchForm) -> dict[str, Any]:
    """Return the chats for the filter: the most recent ones, and always the chosen one."""
    own = Membership.objects.active().listed().of(user).for_display().newest_activity_first()
    chats = list(own[:MAX_CHATS])
    chosen = getattr(form, "cleaned_data", {}).get("conversation")
    if chosen and all(chat.conversation_id != chosen for chat in chats):
        chats += own.in_conversation(chosen)
    people = [chat.counterpart for chat in chats if chat.counterpart]
    return {"chats": chats, "chosen": chosen, "people": [user, *people]}
