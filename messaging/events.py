"""Announces what happens to messages. Each event is built once, with both its faces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from django.template.loader import render_to_string

from chatflow import metrics, realtime
from chatflow.compiled import compiled
from chatflow.realtime import Event, conversation_topic, user_topic
from conversations.access import blockers_in
from conversations.models import Conversation, Membership
from messaging.models import Message
from messaging.serializers import message_json


@realtime.announces
def message_sent(message: Message, *, leaver: Membership | None = None) -> Iterator[Event]:
    """To everybody in the conversation but the leaver, who hears nothing from here on."""
    metrics.messages_sent.inc()
    yield from _message_events("message.created", message, leaver)


@realtime.announces
def message_sent_again(message: Message) -> Iterator[Event]:
    """A retry may mean that the process died after it stored the message and before it told of it;
    whoever has heard of this version is told nothing."""
    yield from _message_events("message.created", message)


@realtime.announces
def message_updated(message: Message) -> Iterator[Event]:
    yield from _message_events("message.updated", message)


@realtime.announces
def watermarks_raised(conversation: Conversation) -> Iterator[Event]:
    fact = {
        "type": "receipt",
        "conversation": str(conversation.id),
        "delivered_seq": conversation.delivered_seq,
        "read_seq": conversation.read_seq,
    }
    yield Event(
        conversation_topic(conversation.id),
        json=json.dumps(fact),
        html=render_to_string("messaging/_receipt.html", {"conversation": conversation}),
    )


def typing(*, membership: Membership, active: bool) -> None:
    """Told at once and never stored, so there is no transaction to wait for."""
    if membership.user_id in blockers_in(membership.conversation):
        return
    user = membership.user
    fact = {
        "type": "typing",
        "conversation": str(membership.conversation_id),
        "user": {"id": str(user.id), "username": user.username, "display_name": user.name},
        "active": active,
    }
    realtime.publish(
        Event(
            conversation_topic(membership.conversation_id),
            json=json.dumps(fact),
            html=render_to_string(
                "messaging/_typing.html", {"membership": membership, "active": active}
            ),
        )
    )


def _message_events(
    type_: str, message: Message, leaver: Membership | None = None
) -> Iterator[Event]:
    event = _message_event(type_, message, leaver)
    if message.hidden_from_id and message.sender_id:  # for the sender's eyes; others see a version
        yield replace(event, json="", html="")
        yield replace(event, topic=user_topic(message.sender_id), version=0)
    else:
        yield event


def _message_event(type_: str, message: Message, leaver: Membership | None) -> Event:
    fact = {
        "type": type_,
        "conversation": str(message.conversation_id),
        "version": message.version,
        "message": message_json(message),
    }
    return Event(
        conversation_topic(message.conversation_id),
        json=json.dumps(fact),
        html=compiled("message.jinja", message=message),
        version=message.version,
        # A title, role or member that changed: told with the line, so that its loss leaves a hole.
        refreshes=message.is_notice,
        leaves=[str(leaver.user_id)] if leaver else [],
    )
