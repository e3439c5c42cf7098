"""Events about messages. Each is built once, with its JSON and its HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from django.template.loader import render_to_string

from chatflow.jinja import jinja
from chatflow.live import publishing
from chatflow.live.events import (
    Event,
    Refresh,
    Unsubscribe,
    conversation_topic,
    user_topic,
    version_only,
)
from chatflow.live.publishing import publish_after_commit
from chatflow.operations import metrics
from conversations.access import blockers_in
from conversations.models import Conversation, Membership
from messaging.models import Message
from messaging.serializers import message_json


@publish_after_commit
def message_sent(message: Message, *, leaver: Membership | None = None) -> Iterator[Event]:
    """Publish a new message. A leaving member receives neither it nor anything after it."""
    metrics.messages_sent.inc()
    yield from _message_events("message.created", message, leaver)


@publish_after_commit
def message_sent_again(message: Message) -> Iterator[Event]:
    """Publish a stored message again, because the process may have died before publishing it. The
    hub drops the event for sockets that have received its version."""
    yield from _message_events("message.created", message)


@publish_after_commit
def message_updated(message: Message) -> Iterator[Event]:
    yield from _message_events("message.updated", message)


@publish_after_commit
def watermarks_raised(conversation: Conversation) -> Iterator[Event]:
    payload = {
        "type": "receipt",
        "conversation": str(conversation.id),
        "delivered_seq": conversation.delivered_seq,
        "read_seq": conversation.read_seq,
    }
    yield Event(
        conversation_topic(conversation.id),
        json=json.dumps(payload),
        html=render_to_string("messaging/_receipt.html", {"conversation": conversation}),
    )


def typing(*, membership: Membership, active: bool) -> None:
    """Publish immediately, because typing is not stored and has no transaction to wait for."""
    if membership.user_id in blockers_in(membership.conversation):
        return
    user = membership.user
    payload = {
        "type": "typing",
        "conversation": str(membership.conversation_id),
        "user": {"id": str(user.id), "username": user.username, "display_name": user.name},
        "active": active,
    }
    context = {"membership": membership, "active": active}
    publishing.publish(
        Event(
            conversation_topic(membership.conversation_id),
            json=json.dumps(payload),
            html=render_to_string("messaging/_typing.html", context),
        )
    )


def _message_events(
    type_: str, message: Message, leaver: Membership | None = None
) -> Iterator[Event]:
    event = _message_event(type_, message, leaver)
    if message.hidden_from_id and message.sender_id:  # only the sender may see it
        yield replace(event, json="", html="")
        yield replace(event, topic=user_topic(message.sender_id), version=0)
        yield replace(version_only(event), topic=user_topic(message.hidden_from_id), version=0)
    else:
        yield event


def _message_event(type_: str, message: Message, leaver: Membership | None) -> Event:
    event = Event(
        conversation_topic(message.conversation_id),
        json=_json(type_, message, since_seq=0),
        html=jinja("message.jinja", messages=[message], since_seq=0),
        version=message.version,
        seq=message.seq,
        control=_control(message, leaver),
    )
    if not message.quoted or message.conversation.is_direct:  # nobody joins a direct chat later
        return event
    seq = message.quoted.seq
    return replace(
        event,
        quotes=seq,
        json_unquoted=_json(type_, message, since_seq=seq),
        html_unquoted=jinja("message.jinja", messages=[message], since_seq=seq),
    )


def _control(message: Message, leaver: Membership | None) -> Unsubscribe | Refresh | None:
    """Return the control message for the change that a system message reports. It belongs to the
    event of that message, so that losing it leaves a gap."""
    if leaver:
        return Unsubscribe([str(leaver.user_id)])
    return Refresh() if message.is_system else None


def _json(type_: str, message: Message, *, since_seq: int) -> str:
    payload = {
        "type": type_,
        "conversation": str(message.conversation_id),
        "version": message.version,
        "message": message_json(message, since_seq=since_seq),
    }
    return json.dumps(payload)
