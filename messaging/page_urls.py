"""URLs of the messaging pages."""

from __future__ import annotations

from django.urls import path

from messaging import pages
from messaging.attachments import pages as attachment_pages
from messaging.export import pages as export_pages
from messaging.moderation import pages as moderation_pages
from messaging.search import pages as search_pages

MESSAGE = "chats/<uuid:conversation>/messages/<uuid:message>"

urlpatterns = [
    path("chats/<uuid:conversation>", pages.conversation, name="chat"),
    path("chats/<uuid:conversation>/messages", pages.messages, name="chat-messages"),
    path("chats/<uuid:conversation>/changes", pages.changes, name="chat-changes"),
    path("chats/<uuid:conversation>/media", attachment_pages.media, name="chat-media"),
    path(f"{MESSAGE}/menu", pages.menu, name="message-menu"),
    path(f"{MESSAGE}/info", pages.info, name="message-info"),
    path(f"{MESSAGE}/edit", pages.edit, name="message-edit"),
    path(f"{MESSAGE}/delete", pages.delete, name="message-delete"),
    path(f"{MESSAGE}/report", moderation_pages.report_message, name="message-report"),
    path(
        "chats/<uuid:conversation>/members/<str:username>/report",
        moderation_pages.report_person,
        name="person-report",
    ),
    path(f"{MESSAGE}/reactions", pages.react, name="message-react"),
    path(f"{MESSAGE}/reactions/withdraw", pages.withdraw, name="message-withdraw"),
    path("settings/export", export_pages.export_data, name="settings-export"),
    path("search", search_pages.search, name="search"),
]
