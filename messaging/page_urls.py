"""Addresses of the pages about messages."""

from __future__ import annotations

from django.urls import path

from messaging import pages, report_pages, search_pages

MESSAGE = "chats/<uuid:conversation>/messages/<uuid:message>"

urlpatterns = [
    path("chats/<uuid:conversation>", pages.conversation, name="chat"),
    path("chats/<uuid:conversation>/messages", pages.messages, name="chat-messages"),
    path("chats/<uuid:conversation>/changes", pages.changes, name="chat-changes"),
    path(f"{MESSAGE}/menu", pages.menu, name="message-menu"),
    path(f"{MESSAGE}/info", pages.info, name="message-info"),
    path(f"{MESSAGE}/edit", pages.edit, name="message-edit"),
    path(f"{MESSAGE}/delete", pages.delete, name="message-delete"),
    path(f"{MESSAGE}/report", report_pages.report_message, name="message-report"),
    path(
        "chats/<uuid:conversation>/members/<str:username>/report",
        report_pages.report_person,
        name="person-report",
    ),
    path(f"{MESSAGE}/reactions", pages.react, name="message-react"),
    path(f"{MESSAGE}/reactions/withdraw", pages.withdraw, name="message-withdraw"),
    path("search", search_pages.search, name="search"),
    path("mine/<uuid:user>.css", pages.mine, name="mine-css"),
]
