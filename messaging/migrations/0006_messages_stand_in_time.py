from django.db import migrations, models

from chatflow.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0005_search_backlog")]

    operations = [
        AddIndexOnline(
            model_name="message",
            index=models.Index(
                fields=["conversation", "created_at"], name="messages_stand_in_time"
            ),
        ),
    ]
