"""URLs of the conversations API."""

from __future__ import annotations

from django.urls import path

from conversations import api

CONVERSATION = "conversations/<uuid:conversation_id>"

urlpatterns = [
    path("conversations", api.ConversationsView.as_view()),
    path(CONVERSATION, api.ConversationView.as_view(), name="api-conversation"),
    path(f"{CONVERSATION}/settings", api.SettingsView.as_view()),
    path(f"{CONVERSATION}/members", api.MembersView.as_view()),
    path(f"{CONVERSATION}/members/<str:username>", api.MemberView.as_view()),
]
