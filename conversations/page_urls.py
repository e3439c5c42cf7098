"""URLs of the conversation pages."""

from __future__ import annotations

from django.urls import path

from conversations import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("chats/new", pages.new_chat, name="new-chat"),
    path("chats/unread", pages.unread, name="unread-chats"),
    path("chats/new/group", pages.new_group, name="new-group"),
    path("chats/<uuid:conversation>/row", pages.row, name="chat-row"),
    path("chats/<uuid:conversation>/bar", pages.bar, name="chat-bar"),
    path("chats/<uuid:conversation>/draft", pages.save_draft, name="chat-draft"),
    path("chats/<uuid:conversation>/settings", pages.change_settings, name="chat-settings"),
    path("chats/<uuid:conversation>/info", pages.info, name="chat-info"),
    path("chats/<uuid:conversation>/rename", pages.rename, name="chat-rename"),
    path("chats/<uuid:conversation>/members", pages.add_members, name="chat-members"),
    path(
        "chats/<uuid:conversation>/members/<str:username>/role",
        pages.change_role,
        name="chat-member-role",
    ),
    path(
        "chats/<uuid:conversation>/members/<str:username>/remove",
        pages.remove_member,
        name="chat-member-remove",
    ),
]
