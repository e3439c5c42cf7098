"""URLs of the messages API."""

from __future__ import annotations

from django.urls import path

from messaging import api
from messaging.attachments import api as attachments_api
from messaging.export import api as export_api
from messaging.moderation import api as moderation_api
from messaging.search import api as search_api

CONVERSATION = "conversations/<uuid:conversation_id>"
MESSAGE = f"{CONVERSATION}/messages/<uuid:message_id>"
ATTACHMENT = f"{CONVERSATION}/attachments/<uuid:attachment_id>"

urlpatterns = [
    path("messages", search_api.SearchView.as_view(), name="search-messages"),
    path(f"{CONVERSATION}/messages", api.MessagesView.as_view()),
    path(MESSAGE, api.MessageView.as_view(), name="api-message"),
    path(f"{MESSAGE}/reactions/<str:emoji>", api.ReactionView.as_view()),
    path(f"{MESSAGE}/receipts", api.MessageReceiptsView.as_view()),
    path(f"{MESSAGE}/report", moderation_api.MessageReportView.as_view()),
    path("users/<str:username>/report", moderation_api.PersonReportView.as_view()),
    path(f"{CONVERSATION}/attachments", attachments_api.AttachmentsView.as_view()),
    path(ATTACHMENT, attachments_api.AttachmentView.as_view(), name="attachment"),
    path(
        f"{ATTACHMENT}/thumbnail",
        attachments_api.ThumbnailView.as_view(),
        name="attachment-thumbnail",
    ),
    path(f"{ATTACHMENT}/preview", attachments_api.PreviewView.as_view(), name="attachment-preview"),
    path(f"{CONVERSATION}/receipts", api.ReceiptsView.as_view()),
    path(f"{CONVERSATION}/changes", api.ChangesView.as_view()),
    path("users/me/export", export_api.ExportView.as_view()),
]
