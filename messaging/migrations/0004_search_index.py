import django.db.models.deletion
from django.db import migrations, models

import messaging.models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0001_initial"),
        ("messaging", "0003_moderators"),
    ]

    operations = [
        migrations.CreateModel(
            name="IndexRow",
            fields=[
                ("key", messaging.models.RowKey(primary_key=True, serialize=False)),
                ("postings", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Backlog",
            fields=[
                (
                    "conversation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="backlog",
                        serialize=False,
                        to="conversations.conversation",
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
            ],
        ),
    ]
