"""Search as a page: results come while one types, and further ones as one reads on."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.authentication import asker
from accounts.models import User
from conversations.models import Membership
from conversations.shell import present, private
from messaging.forms import SearchForm
from messaging.queries import NothingToFind, TooMuchToFind
from messaging.search import search as find

MOST_CHATS = 200  # to choose from
FRAGMENTS = {"found": "messaging/_found.html", "more-found": "messaging/_hits.html"}


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    context = _found(request, form) | {"form": form, "address": _address(form)}
    target = request.htmx.target  # type: ignore[attr-defined]
    if target not in FRAGMENTS:
        context |= _chats(asker(request), form)
        return present(request, "messaging/search.html", context)
    return private(render(request, FRAGMENTS[target], context))


def _found(request: HttpRequest, form: SearchForm) -> dict[str, Any]:
    """Nothing is asked as long as nothing is typed."""
    if not form.is_valid() or not form.cleaned_data["q"]:
        return {}
    query = form.query()
    try:
        page = find(user=asker(request), query=query, cursor=request.GET.get("cursor", ""))
    except (NothingToFind, TooMuchToFind) as complaint:
        return {"complaint": complaint.message}
    return {"text": query.text, "results": page.results, "following": page.next}


def _address(form: SearchForm) -> str:
    """Of this search, with the filters that are set."""
    asked = {name: form.data[name] for name in form.fields if form.data.get(name)}
    return f"{reverse('search')}?{urlencode(asked)}"


def _chats(user: User, form: SearchForm) -> dict[str, Any]:
    """What there is to choose from, and which one is chosen."""
    own = Membership.objects.active().of(user).for_display().newest_activity_first()
    chats = list(own[:MOST_CHATS])
    chosen = getattr(form, "cleaned_data", {}).get("conversation")
    people = [chat.counterpart for chat in chats if chat.counterpart]
    return {"chats": chats, "chosen": chosen, "people": [user, *people]}
