"""A member who is removed while sending messages."""

from __future__ import annotations

import pytest

from chatflow.errors import NotFound
from conversations.services import remove_member
from messaging.models import Message
from messaging.services import send_message


@pytest.mark.django_db(transaction=True)
def test_member_cannot_send_after_a_concurrent_removal(alice, bob, group, membership, together):
    alices, bobs = membership(alice, group), membership(bob, group)

    answers = together(
        *[lambda: send_message(membership=bobs, body="hi")] * 12,
        lambda: remove_member(membership=alices, username="bob"),
    )

    removal = Message.objects.filter(kind="system").latest("seq")
    sent = [message for message in Message.objects.filter(sender=bob)]
    refused = [answer for answer in answers if isinstance(answer, NotFound)]
    assert all(message.seq < removal.seq for message in sent)
    assert len(sent) + len(refused) == 12
