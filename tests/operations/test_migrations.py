"""An upgrade while people write: no migration after the initial ones holds a table for long."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import CheckConstraint, ForeignKey, Index, Q

from chatflow.online import AddConstraintOnline, AddIndexOnline, DropForeignKeyIndex

APPS = ("accounts", "conversations", "messaging")
NAME = "for_this_test_alone"
# What holds a table for as long as it takes to read or rewrite it, and what to do instead.
LONG = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "chatflow.online.AddIndexOnline",
    r"ALTER TABLE (?!.*NOT VALID).* ADD CONSTRAINT": "chatflow.online.AddConstraintOnline",
    r"ALTER COLUMN \S+ TYPE": "a new column, filled in steps",
    r"ALTER COLUMN \S+ SET NOT NULL": "a check constraint by AddConstraintOnline",
    r"ADD COLUMN .* UNIQUE": "the column, then a unique index by AddIndexOnline",
}


def long_locks(statements: list[str]) -> list[str]:
    """What to do instead of each statement that holds a table that was there before."""
    script = "\n".join(statements)
    new = set(re.findall(r"CREATE TABLE (\S+)", script))
    return [
        instead
        for statement in statements
        for pattern, instead in LONG.items()
        if re.search(pattern, statement) and not any(table in statement for table in new)
    ]


@pytest.mark.parametrize(
    ("statement", "how_many"),
    [
        ('CREATE INDEX "a" ON "messaging_message" ("seq");', 1),
        ('CREATE UNIQUE INDEX "a" ON "messaging_message" ("seq");', 1),
        ('CREATE INDEX CONCURRENTLY "a" ON "messaging_message" ("seq");', 0),
        ('ALTER TABLE "messaging_message" ADD CONSTRAINT "a" CHECK ("seq" > 0);', 1),
        ('ALTER TABLE "messaging_message" ADD CONSTRAINT "a" CHECK ("seq" > 0) NOT VALID;', 0),
        ('ALTER TABLE "messaging_message" VALIDATE CONSTRAINT "a";', 0),
        ('ALTER TABLE "messaging_message" ADD COLUMN "a" integer NULL;', 0),
        ('ALTER TABLE "messaging_message" ADD COLUMN "a" integer NULL UNIQUE;', 1),
        ('ALTER TABLE "messaging_message" ALTER COLUMN "seq" TYPE integer;', 1),
        ('ALTER TABLE "messaging_message" ALTER COLUMN "seq" SET NOT NULL;', 1),
    ],
)
def test_what_takes_long_is_known(statement, how_many):
    assert len(long_locks([statement])) == how_many
    assert long_locks(['CREATE TABLE "messaging_message" ("seq" bigint);', statement]) == []


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_no_migration_after_the_initial_ones_takes_a_long_lock():
    loader = MigrationLoader(connection)
    ours = [each for (app, _name), each in loader.disk_migrations.items() if app in APPS]
    assert ours

    wrong = {
        str(migration): long_locks(loader.collect_sql([(migration, False)]))
        for migration in ours
        if not migration.initial
    }

    assert not any(wrong.values()), wrong


@pytest.mark.parametrize(
    "addition",
    [
        AddIndexOnline("message", Index(fields=["created_at"], name=NAME)),
        AddConstraintOnline("message", CheckConstraint(condition=Q(seq__gt=0), name=NAME)),
    ],
    ids=["index", "constraint"],
)
@pytest.mark.django_db(transaction=True)
def test_what_is_added_online_is_added_also_after_an_attempt_that_broke_off(addition):
    before = MigrationLoader(connection).project_state()
    after = before.clone()
    addition.state_forwards("messaging", after)

    try:
        for _attempt in range(2 if connection.vendor == "postgresql" else 1):
            with connection.schema_editor(atomic=False) as editor:
                addition.database_forwards("messaging", editor, before, after)
        assert NAME in constraints()
    finally:
        with connection.schema_editor(atomic=False) as editor:
            addition.database_backwards("messaging", editor, after, before)

    assert NAME not in constraints()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_an_index_that_is_added_online_takes_no_long_lock():
    addition = AddIndexOnline("message", Index(fields=["created_at"], name=NAME))
    state = MigrationLoader(connection).project_state()

    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        addition.database_forwards("messaging", editor, state, state)

    assert long_locks(editor.collected_sql) == []
    assert "CREATE INDEX CONCURRENTLY" in "".join(editor.collected_sql)


@pytest.mark.django_db(transaction=True)
def test_an_index_is_dropped_and_its_foreign_key_stays():
    user = apps.get_model("messaging", "reaction")._meta.get_field("user")
    dropping = DropForeignKeyIndex("reaction", "user", without_index(user))
    before = MigrationLoader(connection).project_state()
    after = before.clone()
    dropping.state_forwards("messaging", after)
    assert indexed_alone("messaging_reaction") == {"user_id"}

    try:
        with connection.schema_editor(atomic=False) as editor:
            dropping.database_forwards("messaging", editor, before, after)
        assert indexed_alone("messaging_reaction") == set()
        assert references("messaging_reaction") == {"message_id", "user_id"}
    finally:
        with connection.schema_editor(atomic=False) as editor:
            dropping.database_backwards("messaging", editor, after, before)

    assert indexed_alone("messaging_reaction") == {"user_id"}
    assert references("messaging_reaction") == {"message_id", "user_id"}


def without_index(field: ForeignKey) -> ForeignKey:
    changed = field.clone()
    changed.db_index = False
    return changed


def indexed_alone(table: str) -> set[str]:
    """The columns that have an index of their own, as Django gives one to each foreign key."""
    return {
        index["columns"][0]
        for index in described(table).values()
        if index["index"] and not index["unique"] and len(index["columns"]) == 1
    }


def references(table: str) -> set[str]:
    return {each["columns"][0] for each in described(table).values() if each["foreign_key"]}


def constraints() -> set[str]:
    return set(described(apps.get_model("messaging", "message")._meta.db_table))


def described(table: str) -> dict[str, dict[str, Any]]:
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, table)
