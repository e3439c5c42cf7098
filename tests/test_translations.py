"""The German catalogue is whole, its compiled form is of the same text, and pages speak it."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from accounts.services import delete_account
from conversations.models import Membership
from conversations.services import add_members, change_role, remove_member, rename
from messaging.models import Message
from messaging.notices import Notice
from messaging.services import delete_message, edit_message
from tests.conftest import PASSWORD

FOLDER = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%%?\(\w+\)[sd]|%%?[sd]|\{\w*\}")
STRING = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])? )?(".*")')


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """The test client leaves the language of its last request behind in the test's thread."""
    translation.deactivate()
    yield
    translation.deactivate()


@dataclass
class Entry:
    flags: str = ""
    texts: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def msgid(self) -> str:
        return self.texts["msgid", ""]

    @property
    def originals(self) -> list[str]:
        return [text for (key, _), text in self.texts.items() if key.startswith("msgid")]

    @property
    def translations(self) -> dict[str, str]:
        return {form: text for (key, form), text in self.texts.items() if key == "msgstr"}


def entries() -> list[Entry]:
    """Those of the .po, its head first."""
    blocks = (FOLDER / "django.po").read_text(encoding="utf-8").strip().split("\n\n")
    return [_entry(block) for block in blocks]


def _entry(block: str) -> Entry:
    entry, key = Entry(), ("", "")
    for line in block.splitlines():
        if line.startswith("#"):
            entry.flags += line.removeprefix("#") if line.startswith("#,") else ""
            assert not line.startswith("#~"), f"no longer in use: {line}"
            continue
        name, form, text = STRING.fullmatch(line).groups()
        key = (name, form or "") if name else key
        entry.texts[key] = entry.texts.get(key, "") + ast.literal_eval(text)
    return entry


def compiled() -> gettext.GNUTranslations:
    with (FOLDER / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_everything_is_translated_and_nothing_is_a_guess():
    words = entries()[1:]

    assert len(words) > 200
    assert [entry.msgid for entry in words if "fuzzy" in entry.flags] == []
    assert [entry.msgid for entry in words if not all(entry.translations.values())] == []
    assert [
        entry.msgid
        for entry in words
        if len(entry.translations) != (2 if len(entry.originals) > 1 else 1)
    ] == []


def test_no_text_is_there_twice():
    msgids = [entry.msgid for entry in entries()]

    assert len(msgids) == len(set(msgids))


def test_translations_have_the_placeholders_of_their_originals():
    for entry in entries()[1:]:
        wanted = sorted(PLACEHOLDER.findall(entry.originals[0]))
        for text in (*entry.originals, *entry.translations.values()):
            assert sorted(PLACEHOLDER.findall(text)) == wanted, text


def test_what_is_compiled_is_what_is_written():
    written = {"": compiled()._catalog[""]}  # its head, which msgfmt shortens
    for entry in entries()[1:]:
        for form, text in entry.translations.items():
            written[(entry.msgid, int(form)) if form else entry.msgid] = text

    assert compiled()._catalog == written, "run: manage.py compilemessages -l de -i .venv"


@pytest.mark.parametrize(
    ("accepted", "words"), [("de", "Anmelden"), ("de-AT,en;q=0.5", "Anmelden"), ("en", "Log in")]
)
def test_the_login_page_speaks_the_browsers_language(db, accepted, words):
    response = Client(headers={"Accept-Language": accepted}).get("/login")

    assert f">{words}</button>" in response.content.decode()
    assert response["Content-Language"] == accepted[:2]


@pytest.mark.parametrize("accepted", [None, "fr", "xx,*;q=0.1"])
def test_whoever_asks_for_no_language_of_ours_reads_english(db, accepted):
    headers = {"Accept-Language": accepted} if accepted else {}

    response = Client(headers=headers).get("/login")

    assert ">Log in</button>" in response.content.decode()


def test_a_chosen_language_is_kept_whatever_the_browser_accepts(browser, alice):
    client = browser(alice)

    client.post("/settings/language", {"language": "de", "next": "/settings"})

    page = client.get("/settings", headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="de"' in page
    assert "Einstellungen" in page


@pytest.mark.parametrize("language", dict(settings.LANGUAGES))
def test_the_emoji_picker_has_its_words_and_names_in_every_language(language):
    with translation.override(language):
        html = render_to_string("messaging/_emoji_pane.html")

    files = re.findall(r'data-(?:names|words)="/static/(.*?)"', html)
    assert len(files) == 2
    assert all(finders.find(file) for file in files)


# --- live fragments ------------------------------------------------------------------------------


class _Said(HTMLParser):
    """What a fragment says, with each of the page's own `words` put in where it asks for one.

    Ticks and times are left out: the page writes them anyway."""

    def __init__(self, html: str, words: dict[str, str]) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._words = words
        self._open: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self._open.append(dict(attributes) | {"tag": tag})

    def handle_endtag(self, tag):
        self._open.pop()

    def handle_data(self, data):
        around = self._open[-1] if self._open else {}
        if around.get("tag") == "time" or "data-status" in around:
            return
        word = self._words.get(around.get("data-word"), data)
        self.texts.append(PART.sub(lambda part: around[f"data-{part[1]}"], word))


PART = re.compile(r"%\((\w+)\)s")


def in_german(template, context):
    with translation.override("de"):
        return render_to_string(template, context)


@pytest.fixture
def every_kind_of_message(alice, bob, carol, dave, mallory, group, say, membership):
    """Notices of all kinds, and what was edited, deleted, quoted, and said by who is gone."""
    owner = membership(alice, group)
    add_members(membership=owner, usernames=["mallory"])
    rename(membership=owner, title="Orchard")
    change_role(membership=owner, username="mallory", role=Membership.Role.ADMIN)
    change_role(membership=owner, username="mallory", role=Membership.Role.MEMBER)
    remove_member(membership=owner, username="mallory")
    edited, deleted = say(alice, group), say(alice, group, "oops")
    say(bob, group, "What?", reply_to=deleted.id)
    say(bob, group, "Yes", reply_to=edited.id)
    edit_message(membership=owner, message_id=edited.id, body="ho")
    delete_message(membership=owner, message_id=deleted.id)
    damaged = say(carol, group)
    Message.objects.filter(id=damaged.id).update(sealed_body=b"?" * 40)
    change_role(membership=owner, username="carol", role=Membership.Role.OWNER)
    delete_account(user=bob, password=PASSWORD)
    return lambda: Message.objects.filter(conversation=group).for_display().order_by("seq")


def test_a_page_can_say_all_that_live_fragments_say_in_its_own_language(every_kind_of_message):
    html = in_german("messaging/_words.html", {})
    words = dict(re.findall(r'<data value="(\w+)">(.*?)</data>', html))
    row = "message.jinja"

    pushed = [render_to_string(row, {"message": message}) for message in every_kind_of_message()]
    german = [in_german(row, {"message": message}) for message in every_kind_of_message()]

    said = [_Said(fragment, words).texts for fragment in pushed]
    assert said == [_Said(fragment, {}).texts for fragment in german]
    for notice in Notice:
        assert any(f'data-word="{notice}"' in fragment for fragment in pushed), notice
    for word in ("edited", "deleted", "unreadable", "nobody"):
        assert any(f'data-word="{word}"' in fragment for fragment in pushed), word


def test_a_pushed_fragment_is_in_the_default_language(announced, alice, group, say):
    """Live fragments are rendered once for everybody."""
    with announced() as events:
        say(alice, group)

    assert ">Sent<" in "".join(event.html for event in events)


def test_a_pushed_fragment_does_not_speak_its_senders_language(announced, alice, group, say):
    with translation.override("de"), announced() as events:
        say(alice, group)

    assert ">Sent<" in "".join(event.html for event in events)
