"""Admin lists accept only the filters that they offer.

Generated from every registered admin class, so that a new one is tested without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Field, Model
from django.urls import reverse

from accounts.models import User
from chatflow.admin import ModelAdmin
from messaging.moderation.reports import report_person

LOOKUPS = (
    "exact", "iexact", "startswith", "istartswith", "contains", "endswith", "regex", "iregex", "in",
    "gt", "gte", "lt", "lte", "range", "isnull", "year__gte", "date__gte",
)  # fmt: skip
OFFERED = {"exact", "isnull", "gte", "lt"}
HOSTILE = (
    "\0",
    "(",
    "[",
    "a\0b",
    "💥",
    "-1",
    "9" * 400,
    "0001-01-01",
    "9999-12-31",
    "' OR 1=1",
    "",
)


@pytest.fixture
def root(person) -> User:
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(browser, moderator, alice, bob, group):
    """Return the browser of morgan, a moderator; every admin list has a row."""
    report_person(user=alice, username="bob", reason="spam")
    return browser(moderator)


def every_admin() -> list[type[Model]]:
    return list(admin.site._registry)


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def paths_of(model: type[Model]) -> Iterator[str]:
    """Return the lookup names of the model's fields and of those of related models."""
    for field in model._meta.get_fields():
        yield field.name
        if isinstance(field, Field):
            yield field.attname
        if field.related_model:
            yield from (f"{field.name}__{other.name}" for other in field.related_model._meta.fields)


def offered_by(model: type[Model]) -> set[str]:
    return {each for each in admin.site._registry[model].list_filter if isinstance(each, str)}


@pytest.mark.parametrize("model", every_admin())
def test_every_admin_class_allows_only_its_own_filters(model):
    assert isinstance(admin.site._registry[model], ModelAdmin)


@pytest.mark.parametrize("model", every_admin())
def test_moderator_cannot_use_other_filters(rf, moderator, model):
    model_admin = admin.site._registry[model]
    request = rf.get("/")
    request.user = moderator

    allowed = {
        lookup
        for path in paths_of(model)
        for lookup in (path, *(f"{path}__{suffix}" for suffix in LOOKUPS))
        if model_admin.lookup_allowed(lookup, "1", request)
    }

    offered = offered_by(model)
    assert allowed == offered | {f"{name}__{suffix}" for name in offered for suffix in OFFERED}


@pytest.mark.parametrize(
    "query",
    [
        "password__startswith=a", "password=a", "email__startswith=a", "logins__refresh_id=a",
        "last_seen_at__gte=2020-01-01", "blocks__blocked=1", "username__regex=(", "username=%00",
    ],
)  # fmt: skip
def test_other_filters_reveal_nothing_to_moderators(desk, query):
    assert desk.get(f"{list_of(User)}?{query}").status_code == 400


def test_superuser_cannot_filter_by_password_hashes_either(browser, root):
    assert browser(root).get(f"{list_of(User)}?password__startswith=argon2").status_code == 400


@pytest.mark.parametrize("model", every_admin())
def test_hostile_filters_are_refused_without_an_error(desk, model):
    shown = desk.get(list_of(model))
    names = [f"{name}__{suffix}" for name in offered_by(model) for suffix in OFFERED]
    names += [f"{model._meta.pk.name}__regex", "state", "q", "o", "p", "e", "all", "_to_field"]

    answers = {
        (name, value): desk.get(list_of(model), {name: value}).status_code
        for name in names
        for value in HOSTILE
    }

    assert shown.status_code == 200
    assert {answer: status for answer, status in answers.items() if status >= 500} == {}


@pytest.mark.parametrize("model", every_admin())
def test_listed_filters_work(desk, model):
    changes = desk.get(list_of(model)).context["cl"]
    links = [
        each["query_string"] for spec in changes.filter_specs for each in spec.choices(changes)
    ]

    assert {desk.get(list_of(model) + link).status_code for link in links} == {200}
    assert len(links) > 1


@pytest.mark.parametrize("model", every_admin())
@pytest.mark.parametrize("key", ["%00", "_00", "1", "9" * 300, "__regex", "("])
@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_hostile_primary_keys_cause_no_error(desk, model, key, page):
    assert desk.get(f"{list_of(model)}{key}/{page}/").status_code < 500


def test_groups_are_not_in_the_admin():
    assert not admin.site.is_registered(Group)
