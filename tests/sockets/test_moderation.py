"""What a moderator does reaches people's sockets as if a member had done it."""

from __future__ import annotations

import pytest

from chatflow.sockets import in_thread
from messaging import moderation
from messaging.reports import report_message

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN_ENDED = 4401


@pytest.fixture
def reported(person, mallory, group, say, membership, alice):
    """mallory said something in the group, and alice has reported it; and who decides."""
    group.memberships.create(user=mallory, joined_at=group.created_at, since_seq=0, role="member")
    message = say(mallory, group, "vile")
    report, _is_new = report_message(
        membership=membership(alice, group), message_id=message.id, reason="abuse"
    )
    return report, person("morgan", is_staff=True)


async def test_members_see_the_tombstone_and_the_suspended_are_out(
    connect, open_page, reported, alice, bob, mallory
):
    report, morgan = reported
    hers, page, his = await connect(alice), await open_page(alice), await connect(bob)
    phone, laptop = await connect(mallory), await open_page(mallory)

    await in_thread(moderation.remove_and_suspend, report=report, by=morgan)

    for socket in (hers, his):
        frame = await socket.hear("message.updated")
        assert frame["message"]["id"] == str(report.message_id)
        assert frame["message"]["body"] == ""
        assert frame["message"]["deleted_at"]
    article = await page.hear("article")
    assert article["version"] == str(frame["version"])
    assert [await socket.closed() for socket in (phone, laptop)] == [LOGIN_ENDED] * 2


async def test_a_report_itself_reaches_nobody(connect, reported, alice, mallory):
    report, morgan = reported
    hers, theirs = await connect(alice), await connect(mallory)

    await in_thread(moderation.look_at, report=report, by=morgan)
    await in_thread(moderation.dismiss, report=report, by=morgan)

    assert await hers.everything() == []
    assert await theirs.everything() == []
