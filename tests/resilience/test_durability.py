"""The databases are configured to write a commit to disk before they acknowledge it."""

from __future__ import annotations

from django.db import connection


def test_commit_waits_for_the_disk(db):
    assert ASKED[connection.vendor]() == "the disk"


def sqlite_waits_for() -> str:
    return {"2": "the disk", "3": "the disk"}.get(answer_to("PRAGMA synchronous"), "nobody")


def postgres_waits_for() -> str:
    return {"off": "nobody"}.get(answer_to("SHOW synchronous_commit"), "the disk")


def answer_to(question: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


ASKED = {"sqlite": sqlite_waits_for, "postgresql": postgres_waits_for}
