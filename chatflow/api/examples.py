"""Examples for the OpenAPI schema: one for each component and one value for each parameter.

`tests/documents/test_schema.py` validates each example against its own schema.
"""

from __future__ import annotations

from typing import Any

from chatflow.api.schema import PROBLEM

ALICE_ID = "0198f6d2-3a10-4c1e-9a57-0d6f6f0f5a11"
BOB_ID = "0198f6d2-3a10-4c1e-9a57-0d6f6f0f5b22"
GARDEN_ID = "0198f6d5-77aa-4f0c-8a3b-6c5d2f7e9c33"
MESSAGE_ID = "0198f6d6-04f2-7d31-b0a9-2f61b8c7dd44"
ANSWER_ID = "0198f6d6-9c1b-7e52-a4c8-91d0f3a6ee55"
ATTACHMENT_ID = "0198f6d6-8d02-7a10-8c55-3e7c5a9d4b77"
LOGIN_ID = "0198f6d2-5f00-4b6d-8d21-7a9be1c4ff66"
MORNING = "2026-11-22T08:15:00.000000Z"
LATER = "2026-11-22T08:16:30.000000Z"
CURSOR = "MjAyNi0xMS0yMlQwODoxNjozMCswMDowMCA"
ACCESS = "eyJhbGciOiJIUzI1NiJ9.….…"
PASSWORD = "correct horse battery"  # noqa: S105 (an example)

AUTHOR: dict[str, Any] = {
    "id": ALICE_ID,
    "username": "alice",
    "display_name": "Alice",
    "avatar_url": None,
}
BOB = {"id": BOB_ID, "username": "bob", "display_name": "Bob", "avatar_url": None}
USER = BOB | {"about": "In the garden", "online": False, "last_seen_at": MORNING}
ME = AUTHOR | {
    "about": "Here most mornings",
    "online": None,
    "last_seen_at": None,
    "email": "alice@example.org",
    "created_at": MORNING,
    "last_seen_to": "everyone",
    "shows_read_receipts": True,
}
ATTACHMENT: dict[str, Any] = {
    "id": ATTACHMENT_ID,
    "kind": "image",
    "name": "tomatoes.jpg",
    "content_type": "image/jpeg",
    "size": 482_113,
    "width": 1536,
    "height": 2048,
    "duration": None,
    "waveform": None,
    "url": f"/conversations/{GARDEN_ID}/attachments/{ATTACHMENT_ID}",
    "thumbnail_url": f"/conversations/{GARDEN_ID}/attachments/{ATTACHMENT_ID}/thumbnail",
    "preview_url": f"/conversations/{GARDEN_ID}/attachments/{ATTACHMENT_ID}/preview",
}
MESSAGE = {
    "id": ANSWER_ID,
    "conversation": GARDEN_ID,
    "seq": 4,
    "version": 6,
    "kind": "text",
    "sender": AUTHOR,
    "body": "The first tomatoes are red",
    "reply_to": {"id": MESSAGE_ID, "seq": 3, "sender": BOB, "body": "How is the garden?"},
    "reactions": [{"emoji": "🍅", "users": ["bob"]}],
    "attachments": [ATTACHMENT],
    "created_at": LATER,
    "edited_at": None,
    "deleted_at": None,
    "status": "delivered",
}
MEMBERSHIP = {
    "role": "owner",
    "delivered_seq": 4,
    "read_seq": 4,
    "muted_until": None,
    "archived": False,
    "pinned": True,
    "marked_unread": False,
}
MEMBER = {"user": USER, "role": "member", "joined_at": MORNING}
CONVERSATION = {
    "id": GARDEN_ID,
    "kind": "group",
    "title": "Garden",
    "avatar_url": None,
    "created_at": MORNING,
    "version": 6,
    "last_seq": 4,
    "delivered_seq": 4,
    "read_seq": 3,
    "unread_count": 0,
    "last_message": MESSAGE,
    "member_count": 3,
    "members": [MEMBER],
    "membership": MEMBERSHIP,
}
FOUND: dict[str, Any] = {
    "message": MESSAGE,
    "conversation": {"id": GARDEN_ID, "kind": "group", "title": "Garden"},
    "highlights": [[10, 18], [23, 26]],
}
SIGNED_IN = {"user": ME, "access": ACCESS, "refresh": ACCESS}

COMPONENTS: dict[str, Any] = {
    "Attachment": ATTACHMENT,
    "AttachmentUploadRequest": {"file": "the bytes of a file", "name": "tomatoes.jpg"},
    "Author": AUTHOR,
    "Changes": {"messages": [MESSAGE], "version": 6, "more": False},
    "Conversation": CONVERSATION,
    "ConversationPage": {"results": [CONVERSATION], "next": CURSOR},
    "CredentialsRequest": {"login": "alice", "password": PASSWORD},
    "Found": FOUND,
    "FoundConversation": FOUND["conversation"],
    "FoundPage": {"results": [FOUND], "next": CURSOR},
    "History": {"results": [MESSAGE], "has_before": True, "has_after": False},
    "Login": {
        "id": LOGIN_ID,
        "kind": "browser",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
        "ip": "203.0.113.7",
        "created_at": MORNING,
        "last_used_at": LATER,
        "current": True,
    },
    "Me": ME,
    "Member": MEMBER,
    "MemberReceipt": {"user": BOB, "delivered": True, "read": False},
    "MemberPage": {"results": [MEMBER], "next": CURSOR},
    "MemberReceipts": {"results": [{"user": BOB, "delivered": True, "read": False}]},
    "Membership": MEMBERSHIP,
    "Message": MESSAGE,
    "NewConversationRequest": {"kind": "group", "title": "Garden", "members": ["bob", "carol"]},
    "NewMembersRequest": {"members": ["dave"]},
    "NewMessageRequest": {
        "id": ANSWER_ID,
        "body": "The first tomatoes are red",
        "reply_to": MESSAGE_ID,
        "attachments": [ATTACHMENT_ID],
    },
    "PasswordChangeRequest": {"current": PASSWORD, "new": "a longer horse battery"},
    "PasswordResetConfirmationRequest": {
        "uid": ALICE_ID,
        "token": "cx8q2f-…",
        "password": "a longer horse battery",
    },
    "PasswordResetRequest": {"email": "alice@example.org"},
    "PasswordRequest": {"password": PASSWORD},
    "PatchedMeRequest": {"display_name": "Alice", "about": "Here most mornings"},
    "PatchedMembershipRequest": {"pinned": True, "muted_until": LATER},
    "PatchedRoleRequest": {"role": "admin"},
    "PatchedTextRequest": {"body": "The first tomatoes are ripe"},
    "PatchedTitleRequest": {"title": "Kitchen garden"},
    "AvatarUploadRequest": {"file": "the bytes of an image"},
    "Problem": {
        "type": "urn:chatflow:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "Not found.",
    },
    "Quote": MESSAGE["reply_to"],
    "Reaction": {"emoji": "🍅", "users": ["bob"]},
    "ReceiptRequest": {"delivered_seq": 4, "read_seq": 3},
    "RefreshRequest": {"refresh": ACCESS},
    "RegistrationRequest": {
        "username": "alice",
        "email": "alice@example.org",
        "password": PASSWORD,
        "display_name": "Alice",
    },
    "ReportRequest": {"reason": "spam", "comment": "The same advertisement, five times"},
    "SignedIn": SIGNED_IN,
    "Tokens": {"access": ACCESS, "refresh": ACCESS},
    "User": USER,
    "UserPage": {"results": [USER], "next": None},
}

PARAMETERS: dict[str, Any] = {
    "after": 120,
    "around": 120,
    "attachment_id": ATTACHMENT_ID,
    "before": 120,
    "conversation": GARDEN_ID,
    "conversation_id": GARDEN_ID,
    "cursor": CURSOR,
    "emoji": "🍅",
    "limit": 50,
    "login_id": LOGIN_ID,
    "message_id": MESSAGE_ID,
    "name": "a-picture-of-bob",
    "q": "red tomato",
    "search": "bo",
    "sender": "alice",
    "since": 5,
    "username": "bob",
}
# In a search, two parameters of the same name have another meaning.
SEARCH_PARAMETERS = {"after": "2026-11-01", "before": "2026-11-22T12:00:00Z"}


def add_examples(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add the examples to the finished schema. It is a drf-spectacular postprocessing hook."""
    result["components"]["schemas"]["Problem"] = dict(PROBLEM)
    for name, example in COMPONENTS.items():
        if component := result["components"]["schemas"].get(name):
            component["examples"] = [example]
    for path, operations in result["paths"].items():
        values = PARAMETERS | (SEARCH_PARAMETERS if path == "/messages" else {})
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["example"] = values.get(parameter["name"])
    return result
