"""PostgreSQL knows how often the 1 000 most common words of names occur, and two indexes go.

With 100 words, the default, it believed that a common first name was rare. A search for two names
then visited everybody of that first name. The indexes ending in `_like` come with unique text
columns, for LIKE; no query uses them.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def improve_search(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(
        "ALTER TABLE accounts_nameword ALTER COLUMN word SET STATISTICS 1000;"
        "DROP INDEX IF EXISTS accounts_user_username_6088629e_like;"
        "DROP INDEX IF EXISTS accounts_user_email_b2644a56_like"
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(improve_search, migrations.RunPython.noop)]
