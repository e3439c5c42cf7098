"""Creates the group of moderators. Superusers may do everything and need not be in it."""

from django.db import migrations

GROUP = "Moderators"
MAY = {
    "accounts": {"user": ("view", "change"), "login": ("view",)},
    "conversations": {"conversation": ("view",), "membership": ("view",)},
    "messaging": {"report": ("view", "change"), "auditentry": ("view",)},
}


def create_group(apps, schema_editor):
    """Create the permissions as well: Django creates them only after all migrations."""
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    group, _is_new = apps.get_model("auth", "Group").objects.get_or_create(name=GROUP)
    for app, models in MAY.items():
        for model, acts in models.items():
            kind, _is_new = ContentType.objects.get_or_create(app_label=app, model=model)
            for act in acts:
                permission, _is_new = Permission.objects.get_or_create(
                    content_type=kind,
                    codename=f"{act}_{model}",
                    defaults={"name": f"Can {act} {model}"},
                )
                group.permissions.add(permission)


def delete_group(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=GROUP).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("conversations", "0001_initial"),
        ("messaging", "0001_initial"),
    ]

    operations = [migrations.RunPython(create_group, delete_group)]
