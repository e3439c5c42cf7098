"""Getting a single message by its id."""

from __future__ import annotations

import uuid

from accounts.services import block
from conversations.services import add_members


def url(conversation, message_id):
    return f"/conversations/{conversation.id}/messages/{message_id}"


def test_member_gets_a_message_as_in_the_history(program, alice, bob, direct, say):
    message = say(alice, direct, "hi")
    client = program(bob)

    answer = client.get(url(direct, message.id))

    [listed] = client.get(f"/conversations/{direct.id}/messages").json()["results"]
    assert (answer.status_code, answer.json()) == (200, listed)


def test_new_member_cannot_get_an_older_message(program, person, alice, group, say, membership):
    message = say(alice, group, "before")
    erin = person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])

    assert program(erin).get(url(group, message.id)).status_code == 404


def test_new_member_cannot_read_an_older_message_that_is_quoted(
    program, person, alice, group, say, membership
):
    older = say(alice, group, "before")
    erin = person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])
    reply = say(alice, group, "after", reply_to=older.id)

    quote = program(erin).get(url(group, reply.id)).json()["reply_to"]

    assert (quote["body"], quote["sender"]) == ("", None)


def test_blocker_cannot_get_a_hidden_message(program, alice, bob, direct, say):
    say(alice, direct, "hello")
    block(user=bob, username="alice")
    hidden = say(alice, direct, "please")

    assert program(bob).get(url(direct, hidden.id)).status_code == 404
    assert program(alice).get(url(direct, hidden.id)).status_code == 200


def test_message_of_another_conversation_is_not_found(program, alice, direct, group, say):
    message = say(alice, group)

    assert program(alice).get(url(direct, message.id)).status_code == 404
    assert program(alice).get(url(direct, uuid.uuid4())).status_code == 404


def test_deleted_message_is_a_tombstone(program, alice, direct, say):
    client, message = program(alice), say(alice, direct, "hi")
    client.delete(url(direct, message.id))

    answer = client.get(url(direct, message.id)).json()

    assert (answer["body"], answer["seq"]) == ("", message.seq)
    assert answer["deleted_at"]


def test_location_of_a_sent_message_is_its_url(program, alice, direct):
    client = program(alice)
    wish = {"id": str(uuid.uuid4()), "body": "hi"}

    sent = client.post(f"/conversations/{direct.id}/messages", wish)
    again = client.post(f"/conversations/{direct.id}/messages", wish)

    assert client.get(sent.headers["Location"]).json() == sent.json()
    assert (again.status_code, "Location" in again.headers) == (200, False)


def test_page_refuses_two_positions_like_the_api(browser, program, alice, direct):
    query = {"before": 5, "after": 1}

    page = browser(alice).get(f"/chats/{direct.id}/messages", query)
    answer = program(alice).get(f"/conversations/{direct.id}/messages", query)

    assert (page.status_code, answer.status_code) == (400, 400)
