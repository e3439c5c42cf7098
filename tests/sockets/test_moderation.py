"""Actions of moderators reach sockets like those of members."""

from __future__ import annotations

import pytest

from accounts.events import LOGIN_ENDED
from chatflow.live.sockets import in_thread
from messaging.moderation import actions as moderation
from messaging.moderation.actions import Resolution
from messaging.moderation.reports import report_message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reported(person, mallory, group, say, membership, alice):
    """Return alice's report of a message by mallory, and a moderator."""
    group.memberships.create(user=mallory, joined_at=group.created_at, since_seq=0, role="member")
    message = say(mallory, group, "vile")
    report, _is_new = report_message(
        membership=membership(alice, group), message_id=message.id, reason="abuse"
    )
    return report, person("morgan", is_staff=True)


async def test_members_see_the_tombstone_and_suspended_users_are_disconnected(
    connect, open_page, reported, alice, bob, mallory
):
    report, morgan = reported
    hers, page, his = await connect(alice), await open_page(alice), await connect(bob)
    phone, laptop = await connect(mallory), await open_page(mallory)

    await in_thread(
        moderation.resolve, resolution=Resolution.REMOVED_AND_SUSPENDED, report=report, by=morgan
    )

    for socket in (hers, his):
        frame = await socket.receive("message.updated")
        assert frame["message"]["id"] == str(report.message_id)
        assert frame["message"]["body"] == ""
        assert frame["message"]["deleted_at"]
    article = await page.receive("article")
    assert article["version"] == str(frame["version"])
    assert [await socket.close_code() for socket in (phone, laptop)] == [LOGIN_ENDED] * 2


async def test_reports_are_not_published(connect, reported, alice, mallory):
    report, morgan = reported
    hers, theirs = await connect(alice), await connect(mallory)

    await in_thread(moderation.look_at, report=report, by=morgan)
    await in_thread(moderation.resolve, resolution=Resolution.DISMISSED, report=report, by=morgan)

    assert await hers.receive_all() == []
    assert await theirs.receive_all() == []
