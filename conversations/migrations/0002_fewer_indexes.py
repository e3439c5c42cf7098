import django.db.models.deletion
from django.db import migrations, models

from chatflow.online import DropForeignKeyIndex


class Migration(migrations.Migration):
    """A unique constraint begins with the same column."""

    atomic = False

    dependencies = [("conversations", "0001_initial")]

    operations = [
        DropForeignKeyIndex(
            model_name="membership",
            name="conversation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="conversations.conversation",
            ),
        ),
    ]
