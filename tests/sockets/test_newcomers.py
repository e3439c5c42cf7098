"""Members who joined or came back receive nothing from before, by API, page, export or socket.

The older message is about “the narwhal”. After the newcomer has joined, it is quoted by a reply,
edited, reacted to and deleted.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from zipfile import ZipFile

import pytest

from accounts.models import User
from accounts.services import block
from chatflow.live.events import Join, Unsubscribe, from_message
from chatflow.live.hub import hub
from chatflow.live.sockets import in_thread
from conversations import services as conversations
from conversations.access import find_membership
from conversations.models import Conversation, Membership
from messaging import services
from messaging.export.archive import archive_of
from messaging.models import Message, Report
from messaging.moderation import snapshots
from tests.live.layers import Forgetful
from tests.sockets.conftest import BatchClient

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}
INSTEAD = "A message from before you joined"
API = [
    "/conversations",
    "/conversations/{group}",
    "/conversations/{group}/messages",
    "/conversations/{group}/messages?after=0",
    "/conversations/{group}/messages?before={reply_seq}",
    "/conversations/{group}/messages?around={older_seq}",
    "/conversations/{group}/changes?since=0",
    "/conversations/{group}/messages/{reply}/receipts",
    "/messages?q=blue",
    "/messages?q=grey",
    "/messages?q=grey&conversation={group}&sender=alice",
]
PAGES = [
    "/",
    "/chats/{group}",
    "/chats/{group}?around={older_seq}",
    "/chats/{group}?before={reply_seq}",
    "/chats/{group}/messages?after=0",
    "/chats/{group}/changes?since=0",
    "/chats/{group}/row",
    "/chats/{group}/info",
    "/chats/{group}/messages/{reply}/menu",
    "/chats/{group}/messages/{reply}/info",
    "/chats/{group}/messages/{reply}/report",
    "/chats/{group}?reply={reply}",
    "/search?q=grey",
    "/search?q=blue",
]
ACTS = [
    ("get", "/receipts", None),
    ("patch", "", {"body": "mine now"}),
    ("delete", "", None),
    ("put", "/reactions/👍", None),
    ("delete", "/reactions/🐳", None),
    ("post", "/report", {"reason": "abuse"}),
]
MESSAGE_PAGES = ["menu", "info", "edit", "delete", "report", "reactions", "reactions/withdraw"]


@dataclass
class Scene:
    """A group that the newcomer joins after alice has written about the narwhal."""

    group: Conversation
    alice: User
    carol: User
    newcomer: User
    is_return: bool
    own: Message | None = None  # the returning member's, from before leaving; quotes a narwhal
    older: Message | None = None
    reply: Message | None = None

    def leave(self) -> None:
        if self.is_return:
            narwhal = self.say(self.alice, "the first narwhal")
            self.own = self.say(self.newcomer, "what a beast", reply_to=narwhal.id)
            conversations.remove_member(membership=self.membership(self.alice), username="bob")

    def send_older(self) -> None:
        self.older = self.say(self.alice, "the narwhal is grey")
        services.react(membership=self.membership(self.carol), message_id=self.older.id, emoji="🐳")

    def join(self) -> None:
        usernames = [self.newcomer.username]
        conversations.add_members(membership=self.membership(self.alice), usernames=usernames)

    def send_reply(self) -> None:
        self.reply = self.say(self.carol, "grey indeed", reply_to=self.older.id)

    def change_older(self) -> None:
        alices, carols = self.membership(self.alice), self.membership(self.carol)
        older = self.older.id
        services.edit_message(membership=alices, message_id=older, body="the narwhal is blue")
        services.withdraw_reaction(membership=carols, message_id=older, emoji="🐳")
        services.react(membership=carols, message_id=self.reply.id, emoji="👍")

    def delete_older(self) -> None:
        services.delete_message(membership=self.membership(self.alice), message_id=self.older.id)

    def say(self, user: User, body: str, **kwargs: object) -> Message:
        message, _is_new = services.send_message(
            membership=self.membership(user), body=body, **kwargs
        )
        return message

    def membership(self, user: User) -> Membership:
        return find_membership(user, self.group.id)

    def path(self, template: str) -> str:
        names = {"group": self.group.id, "reply": self.reply.id}
        return template.format(**names, older_seq=self.older.seq, reply_seq=self.reply.seq)

    @property
    def hidden_quote(self) -> dict[str, object]:
        return {"id": str(self.older.id), "seq": self.older.seq, "sender": None, "body": ""}


@pytest.fixture(params=["joined", "came back"])
def scene(request, alice, bob, carol, mallory, group) -> Scene:
    is_return = request.param == "came back"
    return Scene(group, alice, carol, bob if is_return else mallory, is_return)


@pytest.fixture
def later(scene) -> Scene:
    """The newcomer has joined, and the older message was quoted and changed afterwards."""
    scene.leave()
    scene.send_older()
    scene.join()
    scene.send_reply()
    scene.change_older()
    return scene


def archive_text(user: User) -> str:
    with ZipFile(io.BytesIO(b"".join(archive_of(user)))) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


# Reading


def test_api_does_not_reveal_older_messages(program, later):
    client = program(later.newcomer)

    for path in API:
        answer = client.get(later.path(path))
        assert answer.status_code == 200, path
        assert "narwhal" not in answer.text, path
        assert "🐳" not in answer.text, path


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_pages_do_not_reveal_older_messages(browser, later, headers):
    client = browser(later.newcomer)

    for path in PAGES:
        answer = client.get(later.path(path), headers=headers)
        assert answer.status_code == 200, path
        assert "narwhal" not in answer.text, path
        assert "🐳" not in answer.text, path


def test_earlier_members_see_the_older_message(program, browser, later):
    """Without this, the other tests would also pass if nobody saw the quote."""
    path = f"/conversations/{later.group.id}/messages"

    shown = program(later.alice).get(path).json()["results"][-1]["reply_to"]

    assert (shown["sender"]["username"], shown["body"]) == ("alice", "the narwhal is blue")
    page = browser(later.alice).get(f"/chats/{later.group.id}").text
    assert page.count("the narwhal is blue") == 2
    assert INSTEAD not in page.partition('<template id="translations">')[0]


def test_quote_of_an_older_message_is_empty(program, later):
    client, path = program(later.newcomer), f"/conversations/{later.group.id}"

    shown = [
        client.get(f"{path}/messages").json()["results"][-1],
        client.get(f"{path}/changes?since=0").json()["messages"][-1],
        client.get(path).json()["last_message"],
        client.get("/conversations").json()["results"][0]["last_message"],
        client.get("/messages?q=indeed").json()["results"][0]["message"],
    ]

    assert [message["id"] for message in shown] == [str(later.reply.id)] * 5
    assert [message["reply_to"] for message in shown] == [later.hidden_quote] * 5


def test_page_explains_a_missing_quote_and_does_not_link_to_it(browser, later):
    page = browser(later.newcomer).get(f"/chats/{later.group.id}").text

    assert INSTEAD in page.partition('<template id="translations">')[0]
    assert f"around={later.older.seq}" not in page
    assert str(later.older.id) not in page


def test_new_members_see_messages_since_they_joined(program, later):
    messages = program(later.newcomer).get(f"/conversations/{later.group.id}/messages").json()

    assert [message["body"] for message in messages["results"]][-1] == "grey indeed"
    assert (messages["has_before"], messages["has_after"]) == (False, False)
    assert messages["results"][0]["seq"] == later.older.seq + 1


def test_unread_count_begins_when_they_join(program, scene):
    scene.leave()
    scene.send_older()
    scene.join()

    shown = program(scene.newcomer).get(f"/conversations/{scene.group.id}").json()

    assert shown["unread_count"] == 1  # that they were added
    assert shown["last_message"]["kind"] == "system"


def test_last_message_is_not_from_before_joining(program, scene):
    scene.leave()
    scene.send_older()
    scene.join()
    last_seq = scene.membership(scene.alice).conversation.last_seq
    Membership.objects.filter(user=scene.newcomer).update(since_seq=last_seq)

    assert (
        program(scene.newcomer).get("/conversations").json()["results"][0]["last_message"] is None
    )


def test_changes_skip_hidden_messages_without_endless_paging(program, later, monkeypatch):
    monkeypatch.setattr("messaging.history.changes.__kwdefaults__", {"limit": 1})
    client, path = program(later.newcomer), f"/conversations/{later.group.id}/changes"
    conversation = later.membership(later.alice).conversation

    since, more, rounds = 0, True, 0
    while more:
        answer = client.get(f"{path}?since={since}").json()
        assert answer["version"] > since
        since, more, rounds = answer["version"], answer["more"], rounds + 1

    assert (since, rounds) == (conversation.version, 2)  # that they were added, and the reply


def test_export_contains_only_own_older_messages(later):
    text = archive_text(later.newcomer)

    assert "narwhal" not in text
    assert ("what a beast" in text) == later.is_return
    assert "grey indeed" in text


def test_report_contains_only_what_the_reporter_could_see(program, later):
    path = f"/conversations/{later.group.id}/messages/{later.reply.id}/report"

    assert program(later.newcomer).post(path, {"reason": "abuse"}).status_code == 201

    content = snapshots.opened(Report.objects.for_display().get())
    assert [line.body for line in content.lines][-1] == "grey indeed"
    assert "narwhal" not in str(content)


# Acting on older messages


def test_api_answers_404_for_older_messages(program, later):
    client = program(later.newcomer)
    where = f"/conversations/{later.group.id}/messages/{later.older.id}"

    for method, path, body in ACTS:
        answer = getattr(client, method)(where + path, body)
        assert answer.status_code == 404, (method, path)
        assert "narwhal" not in answer.text, (method, path)


def test_pages_of_older_messages_answer_404(browser, later):
    client = browser(later.newcomer)

    for page in MESSAGE_PAGES:
        where = f"/chats/{later.group.id}/messages/{later.older.id}/{page}"
        fields = {"emoji": "👍", "reason": "abuse", "body": "mine now"}
        seen, done = client.get(where), client.post(where, fields)
        assert seen.status_code in (404, 405), page
        assert done.status_code in (404, 405), page
        assert "narwhal" not in seen.text + done.text, page


def test_older_message_cannot_be_replied_to(program, browser, later):
    path = f"/conversations/{later.group.id}/messages"
    wanted = {"body": "which one?", "reply_to": str(later.older.id)}

    refused = program(later.newcomer).post(path, wanted)
    page = browser(later.newcomer).get(f"/chats/{later.group.id}?reply={later.older.id}")

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["reply_to"])
    assert page.status_code == 404
    assert "narwhal" not in refused.text + page.text


def test_answers_to_own_reactions_do_not_quote_older_messages(program, browser, later):
    api = f"/conversations/{later.group.id}/messages/{later.reply.id}/reactions/👍"
    page = f"/chats/{later.group.id}/messages/{later.reply.id}/reactions"

    reacted = program(later.newcomer).put(api)
    withdrawn = program(later.newcomer).delete(api)
    article = browser(later.newcomer).post(page, {"emoji": "👍"}, headers=HTMX)

    assert reacted.json()["reply_to"] == withdrawn.json()["reply_to"] == later.hidden_quote
    assert INSTEAD in article.text
    assert "narwhal" not in reacted.text + withdrawn.text + article.text


def test_reply_to_a_reply_quotes_only_the_reply(program, later):
    path = f"/conversations/{later.group.id}/messages"

    said = program(later.newcomer).post(path, {"body": "who?", "reply_to": str(later.reply.id)})

    assert said.json()["reply_to"]["body"] == "grey indeed"
    assert "narwhal" not in said.text


@pytest.mark.parametrize("scene", ["came back"], indirect=True)
def test_retry_of_a_message_from_before_leaving_reveals_nothing_newer(program, browser, later):
    services.react(membership=later.membership(later.carol), message_id=later.own.id, emoji="🐳")
    api, page = f"/conversations/{later.group.id}/messages", f"/chats/{later.group.id}/messages"
    wanted = {
        "id": str(later.own.id),
        "body": "what a beast",
        "reply_to": str(later.own.reply_to_id),
    }

    again = program(later.newcomer).post(api, wanted)
    article = browser(later.newcomer).post(page, wanted, headers=HTMX)

    assert (again.status_code, again.json()["body"]) == (200, "what a beast")
    assert (again.json()["reply_to"]["body"], again.json()["reactions"]) == ("", [])
    assert "narwhal" not in again.text + article.text
    assert "🐳" not in again.text + article.text


# Events


@pytest.fixture(params=["program", "batch", "page"])
def open_(request, connect, open_page) -> Callable:
    """Return a function: open_(user) opens a socket of the parametrized kind."""
    return {
        "program": connect,
        "batch": lambda user: connect(user, BatchClient),
        "page": open_page,
    }[request.param]


def versions(received: list[dict], conversation: Conversation) -> list[int]:
    """Return the versions of this conversation's events, in any encoding."""
    return [
        int(frame["version"])
        for frame in received
        if "version" in frame and frame.get("conversation") == str(conversation.id)
    ]


def is_join_or_unsubscribe(message: dict) -> bool:
    return isinstance(from_message(message).control, (Join, Unsubscribe))


async def receive_until_deleted(client, scene: Scene) -> list[dict]:
    """Return the frames up to the newest version, which is that of the deletion."""
    newest = (await in_thread(scene.membership, scene.alice)).conversation.version
    while not client.received or newest not in versions(client.received, scene.group):
        await client.next()
    return client.received


@pytest.mark.parametrize("when", ["before joining", "after joining"])
async def test_events_hide_older_messages_but_report_every_version(open_, scene, when):
    await in_thread(scene.leave)
    if when == "before joining":
        theirs = await open_(scene.newcomer)
    await in_thread(scene.send_older)
    await in_thread(scene.join)
    if when == "before joining":
        while str(scene.group.id) not in str(theirs.received):
            await theirs.next()
        while "conversation" not in str(theirs.received[-1]["type"]):
            await theirs.next()
    else:
        theirs = await open_(scene.newcomer)
    alices = await open_(scene.alice)
    start = (await in_thread(scene.membership, scene.alice)).conversation.version

    await in_thread(scene.send_reply)
    await in_thread(scene.change_older)
    await in_thread(scene.delete_older)

    received = await receive_until_deleted(theirs, scene)
    newest = (await in_thread(scene.membership, scene.alice)).conversation.version
    assert "narwhal" not in json.dumps(received)
    assert "🐳" not in json.dumps(received, ensure_ascii=False)
    assert [v for v in versions(received, scene.group) if v > start] == list(
        range(start + 1, newest + 1)
    )
    assert "narwhal" in json.dumps(await receive_until_deleted(alices, scene))


async def test_a_program_receives_only_the_version_of_older_messages(connect, scene):
    await in_thread(scene.leave)
    await in_thread(scene.send_older)
    await in_thread(scene.join)
    client = await connect(scene.newcomer)

    await in_thread(scene.send_reply)
    await in_thread(scene.change_older)

    reply = await client.receive("message.created")
    assert reply["message"]["reply_to"] == scene.hidden_quote
    group = str(scene.group.id)
    for number in (1, 2):
        version = reply["version"] + number
        assert await client.receive("version") == {
            "type": "version",
            "conversation": group,
            "version": version,
        }
    assert (await client.receive("message.updated"))["message"]["reply_to"] == scene.hidden_quote
    changes = await client.request("changes", conversation=group, since=0)
    assert [each["reply_to"] for each in changes["messages"]] == [None, scene.hidden_quote]


async def test_a_page_receives_only_the_version_of_older_messages(open_page, scene):
    await in_thread(scene.leave)
    await in_thread(scene.send_older)
    await in_thread(scene.join)
    page = await open_page(scene.newcomer)

    await in_thread(scene.send_reply)
    await in_thread(scene.change_older)

    article = await page.receive("article")
    assert INSTEAD in article["text"]
    assert "Alice" not in article["text"]
    version = await page.receive("live-version")
    assert version == {
        "type": "live-version",
        "conversation": str(scene.group.id),
        "version": str(int(article["version"]) + 1),
        "text": "",
        "inside": [],
    }


@pytest.mark.parametrize("scene", ["came back"], indirect=True)
async def test_a_member_who_returned_unnoticed_receives_nothing_from_the_absence(
    connect, monkeypatch, scene
):
    """The removal's event is lost, and its gap is noticed only after the member has come back."""
    monkeypatch.setattr("chatflow.live.topics.GAP_SECONDS", 0.05)
    Forgetful(is_join_or_unsubscribe)
    is_back, subscribers_allowed = asyncio.Event(), hub().backend.subscribers_allowed

    async def allowed_once_back(topic: str, user_ids: set[str]) -> dict[str, int]:
        await is_back.wait()
        return await subscribers_allowed(topic, user_ids)

    monkeypatch.setattr(hub().backend, "subscribers_allowed", allowed_once_back)
    bobs, alices = await connect(scene.newcomer), await connect(scene.alice)
    await in_thread(scene.leave)
    await in_thread(scene.send_older)
    await in_thread(scene.join)
    is_back.set()
    await in_thread(scene.say, scene.alice, "welcome back")

    while "welcome back" not in json.dumps(bobs.received):
        await bobs.next()
    while "welcome back" not in json.dumps(alices.received):
        await alices.next()
    assert "narwhal is grey" not in json.dumps(bobs.received)
    assert "narwhal is grey" in json.dumps(alices.received)


@pytest.mark.parametrize("scene", ["came back"], indirect=True)
async def test_recheck_finds_members_who_returned_unnoticed(connect, scene):
    layer = Forgetful(is_join_or_unsubscribe)
    client = await connect(scene.newcomer)
    await in_thread(scene.leave)
    await in_thread(scene.join)
    layer.loses = lambda message: False

    await hub().recheck()

    shown = await client.receive("conversation.created")
    since_seq = (await in_thread(scene.membership, scene.newcomer)).since_seq
    assert shown["conversation"]["last_message"]["seq"] == since_seq + 1
    await in_thread(scene.say, scene.alice, "welcome back")
    assert (await client.receive("message.created"))["message"]["body"] == "welcome back"
    client.received.clear()
    await hub().recheck()
    assert await client.receive_all() == []


# Blocks


async def test_the_blocker_receives_only_the_version_of_hidden_messages(
    connect, say, alice, bob, direct
):
    await in_thread(block, user=alice, username="bob")
    alices, bobs = await connect(alice), await connect(bob)

    await in_thread(say, bob, direct, "let me in")
    await in_thread(say, alice, direct, "no")

    assert versions([await alices.next(), await alices.next()], direct) == [1, 2]
    assert "let me in" not in json.dumps(alices.received)
    assert [(await bobs.receive("message.created"))["version"] for _ in range(2)] == [1, 2]
