"""Coming back after one message, or after thousands."""

from __future__ import annotations

import time

from tests.truth.phones import Phone
from tests.truth.servers import manage
from tests.truth.writers import assert_whole

MISSED = (1, 50, 500, 5000)

# What services do, without telling anybody: thousands over HTTP would take a minute.
WRITE = """
from django.db import transaction
from uuid_utils.compat import uuid7
from accounts.models import User
from conversations.models import Conversation
from messaging import history

with transaction.atomic():
    conversation = Conversation.objects.locked().get(id="{conversation}")
    alice = User.objects.get(username="alice")
    for number in range({messages}):
        history.append(conversation, message_id=uuid7(), body=f"{{number}}", sender=alice)
"""


async def test_a_phone_that_was_off_finds_all_that_it_has_missed(on_either, serve, people, figure):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    script = WRITE.format(conversation=conversation, messages=max(MISSED))
    manage(on_either, "shell", "-v0", "-c", script)
    history = await alice.history(conversation)

    for missed in MISSED:
        phone = Phone(bob)
        phone.versions[conversation] = len(history) - missed
        start = time.monotonic()
        async with phone:
            assert list(phone.messages.values()) == history[-missed:]
        figure(f"caught up with {missed}", f"{time.monotonic() - start:.2f} s")

    assert_whole(history, phone.messages)
