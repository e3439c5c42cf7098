"""Changes of tables that people are using; migrations after the initial ones take these.

On PostgreSQL no writer waits for them, so they may take longer than a request's statement may. One
that broke off leaves something invalid behind, so that running it again begins by dropping that.
SQLite has no such thing: its writers wait, for the seconds that an instance of its size takes.
Their migrations say `atomic = False`.
"""

from __future__ import annotations

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, AlterField
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class _Online(NotInTransactionMixin, Operation):
    """On PostgreSQL by these statements, elsewhere as Django does it."""

    atomic = False
    model_name: str

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        _execute_at_leisure(schema_editor, *self.statements(schema_editor, model))

    def statements(self, editor: BaseDatabaseSchemaEditor, model: type[Model]) -> list[str]:
        raise NotImplementedError


class AddIndexOnline(_Online, AddIndex):
    def statements(self, editor: BaseDatabaseSchemaEditor, model: type[Model]) -> list[str]:
        return [
            f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(self.index.name)}",
            str(self.index.create_sql(model, editor, concurrently=True)),
        ]


class AddConstraintOnline(_Online, AddConstraint):
    """For check constraints: held for what is written from now on, then checked for what is there.

    A unique constraint needs its index first: AddIndexOnline, and the rest by hand.
    """

    def statements(self, editor: BaseDatabaseSchemaEditor, model: type[Model]) -> list[str]:
        table = editor.quote_name(model._meta.db_table)
        name = editor.quote_name(self.constraint.name)
        return [
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
            f"{self.constraint.create_sql(model, editor)} NOT VALID",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
        ]


class DropForeignKeyIndex(NotInTransactionMixin, AlterField):
    """The index that Django gives each foreign key, where another one serves or nobody asks.

    AlterField would also make the constraint anew, and on SQLite the whole table.
    """

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        how = "CONCURRENTLY" if schema_editor.connection.vendor == "postgresql" else ""
        for name in _plain_indexes(schema_editor, model, self.name):
            quoted = schema_editor.quote_name(name)
            schema_editor.execute(f"DROP INDEX {how} IF EXISTS {quoted}")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """The plain way; nobody goes back in a hurry."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def _plain_indexes(
    schema_editor: BaseDatabaseSchemaEditor, model: type[Model], field: str
) -> list[str]:
    """Of this field alone, and not by a name of ours."""
    ours = {each.name for each in (*model._meta.indexes, *model._meta.constraints)}
    column = model._meta.get_field(field).column  # type: ignore[union-attr]
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
    return [
        name
        for name, index in found.items()
        if index["index"] and not index["unique"] and index["columns"] == [column]
        if name not in ours
    ]


def _execute_at_leisure(schema_editor: BaseDatabaseSchemaEditor, *statements: str) -> None:
    for statement in ("SET statement_timeout = 0", *statements, "RESET statement_timeout"):
        schema_editor.execute(statement, params=None)
