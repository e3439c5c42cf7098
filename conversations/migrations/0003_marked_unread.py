from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0002_conversations_newest_first")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="marked_unread",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
