"""Moderators' view of people: find them, see where they are signed in, suspend and restore."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.authentication import asker
from accounts.models import Login, User
from accounts.services import is_suspendable
from chatflow.moderation import ReadOnlyInline
from messaging import moderation

admin.site.unregister(Group)
admin.site.site_header = admin.site.site_title = "ChatFlow"


class LoginInline(ReadOnlyInline):
    model = Login
    fields = readonly_fields = (
        "kind",
        "user_agent",
        "ip",
        "created_at",
        "last_used_at",
        "ended_at",
    )
    ordering = ("-last_used_at",)


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "created_at")
    search_fields = ("username", "display_name", "email")
    ordering = ("username",)
    fields = (
        "username", "display_name", "email", "about", "is_active", "is_staff", "groups",
        "is_superuser", "created_at", "deleted_at",
    )  # fmt: skip
    readonly_fields = (
        "username", "display_name", "email", "about", "is_active", "created_at", "deleted_at",
    )  # fmt: skip
    inlines = (LoginInline,)
    actions = ("suspend", "restore")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people register themselves

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.save(update_fields=[name for name in form.changed_data if name != "groups"])

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # accounts are emptied by their owners

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if request.user.is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "is_staff", "groups", "is_superuser")

    @admin.action(
        description=_("Suspend: sign out everywhere and keep out"), permissions=["change"]
    )
    def suspend(self, request: HttpRequest, people: QuerySet[User]) -> None:
        moderator = asker(request)
        others = [person for person in people if is_suspendable(person, by=moderator)]
        for person in others:
            moderation.suspend(person=person, by=moderator)
        self._tell(
            request,
            ngettext("%d person suspended.", "%d people suspended.", len(others)),
            len(others),
        )

    @admin.action(description=_("Restore: let in again"), permissions=["change"])
    def restore(self, request: HttpRequest, people: QuerySet[User]) -> None:
        for person in people:
            moderation.restore(person=person, by=asker(request))
        self._tell(
            request,
            ngettext("%d person restored.", "%d people restored.", len(people)),
            len(people),
        )

    def _tell(self, request: HttpRequest, words: str, count: int) -> None:
        self.message_user(request, words % count, messages.SUCCESS)
