"""The page that lists the media and files of a conversation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conversations.access import find_membership
from conversations.services import add_members
from messaging.attachments import media
from messaging.attachments.media import list_media
from messaging.models import Message


@pytest.fixture
def send(share, group, alice):
    """send("notes.txt", at=time) shares a file in the group and returns its message's id."""

    def one(name: str, *, at: datetime | None = None) -> str:
        message = share(alice, group, name=name)["id"]
        if at:
            Message.objects.filter(id=message).update(created_at=at)
        return message

    return one


def listed(user, group, **position) -> list[tuple[str, list[str]]]:
    page = list_media(find_membership(user, group.id), **position)
    return [(f"{month:%Y-%m}", [each.name for each in found]) for month, found in page.months]


def test_files_are_listed_newest_first_by_month(send, group, bob, say, alice):
    send("first.txt", at=datetime(2026, 1, 31, tzinfo=UTC))
    say(alice, group, "No file")
    send("second.txt", at=datetime(2026, 3, 1, tzinfo=UTC))
    send("third.txt", at=datetime(2026, 3, 2, tzinfo=UTC))

    assert listed(bob, group) == [
        ("2026-03", ["third.txt", "second.txt"]),
        ("2026-01", ["first.txt"]),
    ]


def test_further_pages_continue_without_gaps(send, group, bob, monkeypatch):
    monkeypatch.setattr(media, "PAGE_SIZE", 2)
    for name in ("a", "b", "c"):
        send(name)

    first = list_media(find_membership(bob, group.id))
    rest = list_media(find_membership(bob, group.id), before=first.next)
    names = [
        [each.name for _month, found in page.months for each in found] for page in (first, rest)
    ]
    assert names == [["c", "b"], ["a"]]
    assert rest.next is None


def test_media_page_shows_only_files_the_member_may_see(send, group, alice, dave, program, browser):
    deleted = send("deleted.txt")
    program(alice).delete(f"/conversations/{group.id}/messages/{deleted}")
    send("before return.txt")
    membership = find_membership(alice, group.id)
    add_members(membership=membership, usernames=["dave"])
    send("after & <dave>.txt")

    page = browser(dave).get(f"/chats/{group.id}/media").content.decode()
    assert "after &amp; &lt;dave&gt;.txt" in page
    assert "before return.txt" not in page
    assert "deleted.txt" not in browser(alice).get(f"/chats/{group.id}/media").content.decode()
