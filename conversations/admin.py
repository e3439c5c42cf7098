"""Conversations in the admin, for moderators. They see members, but no messages."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from chatflow.admin import ModelAdmin, ReadOnly, ReadOnlyInline
from conversations.models import Conversation, Membership


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = readonly_fields = ("user", "role", "joined_at", "left_at")
    ordering = ("joined_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user")


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "id", "kind", "title", "member_count", "last_seq", "created_at", "active_at",
    )  # fmt: skip
    list_filter = ("kind", "active_at")
    search_fields = ("id", "title", "memberships__user__username")
    ordering = ("-created_at", "-id")  # the order of an index
    fields = readonly_fields = (
        "id", "kind", "title", "member_count", "last_seq", "created_at", "active_at",
    )  # fmt: skip
    inlines = (MembershipInline,)
