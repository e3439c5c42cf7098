"""Paths of the messages API."""

from __future__ import annotations

from django.urls import path

from messaging import api, search_api

CONVERSATION = "conversations/<uuid:conversation_id>"
MESSAGE = f"{CONVERSATION}/messages/<uuid:message_id>"

urlpatterns = [
    path("messages", search_api.SearchView.as_view(), name="search-messages"),
    path(f"{CONVERSATION}/messages", api.MessagesView.as_view()),
    path(MESSAGE, api.MessageView.as_view()),
    path(f"{MESSAGE}/reactions/<str:emoji>", api.ReactionView.as_view()),
    path(f"{MESSAGE}/receipts", api.MessageReceiptsView.as_view()),
    path(f"{MESSAGE}/report", api.MessageReportView.as_view()),
    path("users/<str:username>/report", api.PersonReportView.as_view()),
    path(f"{CONVERSATION}/receipts", api.ReceiptsView.as_view()),
    path(f"{CONVERSATION}/changes", api.ChangesView.as_view()),
]
