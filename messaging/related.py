"""Load what is displayed with messages but stored in other tables.

Histories, lists, search results and single messages all call `load_related`. A further table whose
rows are displayed with messages is loaded here as well, with one query for all the messages.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.db.models import UUIDField

from accounts.models import User
from chatflow.db.prepared import ListOf, PreparedQuery
from messaging.models import Attachment, Message, Reaction

_ids = ListOf(UUIDField())
_messages = PreparedQuery(lambda ids: Message.objects.filter(id__in=ids), ids=_ids)
_reactions = PreparedQuery(
    lambda ids: Reaction.objects.filter(message__in=ids).order_by("id"), ids=_ids
)
_attachments = PreparedQuery(
    lambda ids: Attachment.objects.filter(message__in=ids).in_order(), ids=_ids
)
_users = PreparedQuery(lambda ids: User.objects.filter(id__in=ids), ids=_ids)


def load_related(messages: Sequence[Message]) -> None:
    """Load the senders, the quoted messages with their senders, the reactions with their users, and
    the attachments.

    The conversations of the messages must be loaded. Messages that share a sender share one User.
    Prepared queries take a third of the Python calls of Django's prefetching.
    """
    quotes = _load_quotes(messages)
    reactions = _load_reactions(messages)
    load_attachments([*messages, *quotes])
    _load_users([*messages, *quotes], reactions)


def _load_quotes(messages: Iterable[Message]) -> list[Message]:
    ids = {message.reply_to_id for message in messages if message.reply_to_id}
    quotes = {message.id: message for message in _messages.all(ids=ids)}
    for message in messages:
        if message.reply_to_id:
            message.reply_to = quotes.get(message.reply_to_id)
            if message.reply_to:
                message.reply_to.conversation = message.conversation
    return list(quotes.values())


def _load_reactions(messages: Sequence[Message]) -> list[Reaction]:
    reactions = _reactions.all(ids=[message.id for message in messages])
    by_message: dict[uuid.UUID, list[Reaction]] = {message.id: [] for message in messages}
    for reaction in reactions:
        by_message[reaction.message_id].append(reaction)
    for message in messages:
        message.given_reactions = by_message[message.id]
    return reactions


def load_attachments(messages: Iterable[Message]) -> None:
    """Load the attachments, without a query if there are none."""
    having: dict[uuid.UUID, list[Message]] = {}
    for message in messages:
        if message.attachment_count:
            message.attachments = []
            having.setdefault(message.id, []).append(message)
    for attachment in _attachments.all(ids=having):
        assert attachment.message_id
        for message in having[attachment.message_id]:
            attachment.message = message
            message.attachments.append(attachment)


def _load_users(messages: Sequence[Message], reactions: Sequence[Reaction]) -> None:
    """Load the users that a join has not loaded yet. A join saves a query for a single message.

    As in Django's prefetching, senders are set without the checks of an assignment.
    """
    joined = (message.sender for message in messages if Message.sender.is_cached(message))
    users = {user.id: user for user in joined if user}
    ids = {message.sender_id for message in messages if message.sender_id}
    ids |= {reaction.user_id for reaction in reactions}
    users |= {user.id: user for user in _users.all(ids=ids - users.keys())}
    for message in messages:
        if message.sender_id:
            Message.sender.field.set_cached_value(message, users[message.sender_id])
    for reaction in reactions:
        reaction.user = users[reaction.user_id]
