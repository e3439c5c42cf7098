"""Messages are formatted in the chat and plain text in quotes, search results and the list."""

from __future__ import annotations

BODY = "*see* `this`\n> <b>"
PLAIN = "see this\n&gt; &lt;b&gt;"


def test_message_is_formatted_in_the_chat_and_plain_text_elsewhere(
    program, browser, alice, bob, direct, say
):
    message = say(alice, direct, BODY)
    reply = say(bob, direct, "yes", reply_to=message.id)
    client = browser(bob)

    chat = client.get(f"/chats/{direct.id}").content.decode()
    quote = chat[chat.index(f'id="message-{reply.id}"') :]
    found = client.get("/search?q=see").content.decode()
    stored = program(bob).get(f"/conversations/{direct.id}/messages/{message.id}").json()

    assert "<strong><span hidden>*</span>see<span hidden>*</span></strong> <code>" in chat
    assert "&gt; </span>&lt;b&gt;</blockquote>" in chat
    assert f">{PLAIN}</span>" in quote
    assert f"<mark>see</mark>{PLAIN.removeprefix('see')}" in found
    assert stored["body"] == BODY


def test_list_shows_plain_text(browser, alice, bob, direct, say):
    say(alice, direct, BODY)

    assert PLAIN in browser(bob).get("/").content.decode()


def test_draft_with_formatting_returns_a_preview(browser, alice, direct):
    client = browser(alice)

    formatted = client.post(f"/chats/{direct.id}/draft", {"text": "*<b>*"})
    ordinary = client.post(f"/chats/{direct.id}/draft", {"text": "https://a.org"})

    assert "<strong><span hidden>*</span>&lt;b&gt;<" in formatted.content.decode()
    assert (ordinary.status_code, ordinary.content) == (204, b"")


def test_only_long_messages_are_collapsed(browser, alice, direct, say):
    for body in ("a" * 1000, "a\n" * 16 + "a"):
        say(alice, direct, body)
    assert "Read more</button>" not in browser(alice).get(f"/chats/{direct.id}").content.decode()

    for body in ("a" * 1001, "a\n" * 17 + "a"):
        say(alice, direct, body)
    assert (
        browser(alice).get(f"/chats/{direct.id}").content.decode().count("Read more</button>") == 2
    )
