import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from chatflow.online import AddIndexOnline, DropForeignKeyIndex


class Migration(migrations.Migration):
    """Each index is written with each message; these served no question."""

    atomic = False

    dependencies = [("messaging", "0006_messages_stand_in_time")]

    operations = [
        AddIndexOnline(
            model_name="message",
            index=models.Index(
                fields=["reply_to"],
                name="messages_that_reply",
                condition=Q(("reply_to__isnull", False)),
            ),
        ),
        DropForeignKeyIndex(
            model_name="message",
            name="reply_to",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replies",
                to="messaging.message",
            ),
        ),
        DropForeignKeyIndex(
            model_name="message",
            name="sender",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        DropForeignKeyIndex(
            model_name="message",
            name="hidden_from",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        DropForeignKeyIndex(
            model_name="reaction",
            name="message",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reactions",
                to="messaging.message",
            ),
        ),
    ]
