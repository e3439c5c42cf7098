"""A client reconnects after it missed one message, or hundreds, or thousands."""

from __future__ import annotations

import time

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import manage
from tests.resilience.writers import assert_complete

SHORT, LONG = (1, 50, 500), pytest.param((5000,), marks=pytest.mark.soak)

# Writes messages without events, because thousands over HTTP would take a minute.
WRITE = """
from django.db import transaction
from chatflow.identifiers import uuid7
from accounts.models import User
from conversations.models import Conversation
from messaging import history

with transaction.atomic():
    conversation = Conversation.objects.locked().get(id="{conversation}")
    alice = User.objects.get(username="alice")
    for number in range({messages}):
        history.append(conversation, message_id=uuid7(), body=f"{{number}}", sender=alice)
"""


@pytest.mark.parametrize("missed_messages", [SHORT, LONG])
async def test_returning_client_receives_all_missed_messages(
    on_either, serve, people, missed_messages, figure
):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    script = WRITE.format(conversation=conversation, messages=max(missed_messages))
    manage(on_either, "shell", "-v0", "-c", script)
    history = await alice.history(conversation)

    for missed in missed_messages:
        client = LiveClient(bob)
        client.versions[conversation] = len(history) - missed
        start = time.monotonic()
        async with client:
            assert list(client.messages.values()) == history[-missed:]
        figure(f"caught up with {missed}", f"{time.monotonic() - start:.2f} s")

    assert_complete(history, client.messages)
