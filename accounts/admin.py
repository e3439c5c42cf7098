"""Users in the admin: moderators find them, see their logins, suspend them and restore them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.auth.authentication import current_user
from accounts.models import Login, NameWord, User
from accounts.names import searched_words
from accounts.services import is_suspendable
from chatflow.admin import ModelAdmin, ReadOnlyInline
from messaging.moderation import actions as moderation

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
class UserAdmin(ModelAdmin):
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Also find users by the words of their names, regardless of case and accents."""
        users, may_repeat = super().get_search_results(request, queryset, search_term)
        if words := searched_words(search_term):
            users |= queryset.filter(username__in=NameWord.objects.matching(words).values("user"))
        return users, may_repeat

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # users register themselves

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.save(update_fields=[name for name in form.changed_data if name != "groups"])

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # users delete their own accounts

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if request.user.is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "is_staff", "groups", "is_superuser")

    @admin.action(description=_("Suspend and log out everywhere"), permissions=["change"])
    def suspend(self, request: HttpRequest, users: QuerySet[User]) -> None:
        moderator = current_user(request)
        suspendable = [user for user in users if is_suspendable(user, by=moderator)]
        for user in suspendable:
            moderation.suspend(person=user, by=moderator)
        count = len(suspendable)
        text = ngettext("%d person suspended.", "%d people suspended.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Restore access"), permissions=["change"])
    def restore(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            moderation.restore(person=user, by=current_user(request))
        count = len(users)
        text = ngettext("%d person restored.", "%d people restored.", count) % count
        self.message_user(request, text, messages.SUCCESS)
