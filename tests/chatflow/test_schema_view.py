"""/schema is generated once for each language."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture
def read():
    """Return a function that requests the schema without a login."""
    return lambda query="", **headers: Client().get(f"/schema{query}", headers=headers)


def test_view_serves_the_generated_schema(read):
    answer = read()

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert answer.json() == json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


@pytest.mark.parametrize(
    "query",
    ["?lang=de", "?lang=de-00001", "?version=%0a", "?version=%00", "?version=a%22;filename=x"],
)
def test_query_string_does_not_change_the_schema(read, query):
    plain, asked = read(), read(query)

    assert asked.status_code == 200
    assert asked.content == plain.content
    assert asked.headers == plain.headers


def test_schema_is_in_the_user_s_language(read):
    english, german = read().json(), read(accept_language="de").json()

    kinds = [each["components"]["schemas"]["MessageKind"] for each in (english, german)]
    assert kinds[0]["description"] != kinds[1]["description"]


@pytest.mark.parametrize("language", ["de-00001", "de_AT", "fr", "xx", "de" * 1000])
def test_unknown_language_generates_no_schema(read, monkeypatch, language):
    known = {read().content, read(accept_language="de").content}
    monkeypatch.setattr(SchemaGenerator, "get_schema", None)

    assert read(f"?lang={language}", accept_language=language).content in known
    client = Client()
    client.cookies["django_language"] = language
    assert client.get("/schema").content in known


def test_schema_is_cached_and_revalidated(read):
    answer = read()

    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert {"Cookie", "Accept-Language"} <= set(answer.headers["Vary"].split(", "))
    assert read(if_none_match=answer.headers["ETag"]).status_code == 304


@pytest.mark.parametrize("language", ["de-00001", "fr", "", "x" * 1000])
def test_unknown_language_cannot_be_chosen(language):
    answer = Client().post("/settings/language", {"language": language, "next": "/login"})

    assert answer.status_code == 400
    assert "django_language" not in answer.cookies
