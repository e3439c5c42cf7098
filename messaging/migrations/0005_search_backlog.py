from django.db import migrations

EVERYTHING = 2**62
STEP = 2000


def wait_for_the_index(apps, schema_editor):
    """What was said before there was an index waits for `manage.py rebuild_search`."""
    Conversation = apps.get_model("conversations", "Conversation")
    Backlog = apps.get_model("messaging", "Backlog")
    waiting = []
    for conversation in Conversation.objects.values_list("id", flat=True).iterator(STEP):
        waiting.append(Backlog(conversation_id=conversation, seq=EVERYTHING))
        if len(waiting) == STEP:
            Backlog.objects.bulk_create(waiting, ignore_conflicts=True)
            waiting = []
    Backlog.objects.bulk_create(waiting, ignore_conflicts=True)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0004_search_index")]

    operations = [migrations.RunPython(wait_for_the_index, migrations.RunPython.noop)]
