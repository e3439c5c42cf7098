"""The German catalogue is complete, compiled and used by pages and live fragments."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from accounts.services import delete_account
from chatflow.jinja import jinja
from conversations.models import Membership
from conversations.services import add_members, change_role, remove_member, rename
from messaging.history import newest_page
from messaging.models import Message
from messaging.services import delete_message, edit_message
from messaging.system_messages import SystemMessageKind
from tests.conftest import PASSWORD
from tests.messaging.attachments.conftest import picture, share, upload

__all__ = ["share", "upload"]  # the fixtures

FOLDER = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%%?\(\w+\)[sd]|%%?[sd]|\{\w*\}")
STRING = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])? )?(".*")')


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Reset the language that the test client leaves active in the thread."""
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
    """Return the entries of the .po file, its header first."""
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


def compiled_catalogue() -> gettext.GNUTranslations:
    with (FOLDER / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_every_text_is_translated_and_none_is_fuzzy():
    words = entries()[1:]

    assert len(words) > 200
    assert [entry.msgid for entry in words if "fuzzy" in entry.flags] == []
    assert [entry.msgid for entry in words if not all(entry.translations.values())] == []
    assert [
        entry.msgid
        for entry in words
        if len(entry.translations) != (2 if len(entry.originals) > 1 else 1)
    ] == []


def test_no_text_occurs_twice():
    msgids = [entry.msgid for entry in entries()]

    assert len(msgids) == len(set(msgids))


def test_translations_have_the_same_placeholders():
    for entry in entries()[1:]:
        wanted = sorted(PLACEHOLDER.findall(entry.originals[0]))
        for text in (*entry.originals, *entry.translations.values()):
            assert sorted(PLACEHOLDER.findall(text)) == wanted, text


def test_compiled_catalogue_is_up_to_date():
    written = {"": compiled_catalogue()._catalog[""]}  # the header, which msgfmt shortens
    for entry in entries()[1:]:
        for form, text in entry.translations.items():
            written[(entry.msgid, int(form)) if form else entry.msgid] = text

    assert compiled_catalogue()._catalog == written, "run: manage.py compilemessages -l de -i .venv"


@pytest.mark.parametrize(
    ("accepted", "words"), [("de", "Anmelden"), ("de-AT,en;q=0.5", "Anmelden"), ("en", "Log in")]
)
def test_login_page_uses_the_browser_s_language(db, accepted, words):
    response = Client(headers={"Accept-Language": accepted}).get("/login")

    assert f">{words}</button>" in response.content.decode()
    assert response["Content-Language"] == accepted[:2]


@pytest.mark.parametrize("accepted", [None, "fr", "xx,*;q=0.1"])
def test_unsupported_languages_fall_back_to_english(db, accepted):
    headers = {"Accept-Language": accepted} if accepted else {}

    response = Client(headers=headers).get("/login")

    assert ">Log in</button>" in response.content.decode()


def test_chosen_language_overrides_the_browser_s(browser, alice):
    client = browser(alice)

    client.post("/settings/language", {"language": "de", "next": "/settings"})

    page = client.get("/settings", headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="de"' in page
    assert "Einstellungen" in page


@pytest.mark.parametrize("language", dict(settings.LANGUAGES))
def test_emoji_picker_is_translated_into_every_language(language):
    with translation.override(language):
        html = render_to_string("messaging/_emoji_pane.html")

    files = re.findall(r'data-(?:names|words)="/static/(.*?)"', html)
    assert len(files) == 2
    assert all(finders.find(file) for file in files)


# Live fragments


class _FragmentText(HTMLParser):
    """Collects the texts of a fragment, with the page's `words` inserted where it refers to them.

    Ticks and times are left out, because the page writes them itself.
    """

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


@pytest.fixture
def every_kind_of_message(alice, bob, carol, dave, mallory, group, say, share, membership):
    """System messages of all kinds, and edited, deleted, quoted and orphaned messages."""
    owner = membership(alice, group)
    add_members(membership=owner, usernames=["mallory"])
    rename(membership=owner, title="Orchard")
    change_role(membership=owner, username="mallory", role=Membership.Role.ADMIN)
    change_role(membership=owner, username="mallory", role=Membership.Role.MEMBER)
    remove_member(membership=owner, username="mallory")
    edited, deleted = say(alice, group), say(alice, group, "oops")
    say(bob, group, "What?", reply_to=deleted.id)
    say(bob, group, "Yes", reply_to=edited.id)
    say(bob, group, "Lovely", reply_to=UUID(share(carol, group, picture())["id"]))
    edit_message(membership=owner, message_id=edited.id, body="ho")
    delete_message(membership=owner, message_id=deleted.id)
    damaged = say(carol, group)
    Message.objects.filter(id=damaged.id).update(sealed_body=b"?" * 40)
    change_role(membership=owner, username="carol", role=Membership.Role.OWNER)
    delete_account(user=bob, password=PASSWORD)
    return lambda: newest_page(membership(alice, group)).messages


def test_pages_can_translate_every_text_of_live_fragments(every_kind_of_message):
    with translation.override("de"):
        html = render_to_string("messaging/_translations.html")
    words = dict(re.findall(r'<data value="(\w+)">(.*?)</data>', html))
    views = (0, 10**6)  # of an early member and of a new one

    def fragments():
        messages = every_kind_of_message()
        return [
            jinja("message.jinja", messages=[each], since_seq=seq)
            for seq in views
            for each in messages
        ]

    pushed = fragments()
    with translation.override("de"):
        german = fragments()

    said = [_FragmentText(fragment, words).texts for fragment in pushed]
    assert said == [_FragmentText(fragment, {}).texts for fragment in german]
    for notice in SystemMessageKind:
        assert any(f'data-word="{notice}"' in fragment for fragment in pushed), notice
    for word in ("edited", "deleted", "unreadable", "nobody", "older", "attached_image"):
        assert any(f'data-word="{word}"' in fragment for fragment in pushed), word


def test_live_fragment_is_in_the_default_language(announced, alice, group, say):
    """Live fragments are rendered once for everybody."""
    with announced() as events:
        say(alice, group)

    assert ">Sent<" in "".join(event.html for event in events)


def test_live_fragment_is_not_in_the_sender_s_language(announced, alice, group, say):
    with translation.override("de"), announced() as events:
        say(alice, group)

    assert ">Sent<" in "".join(event.html for event in events)


@pytest.mark.parametrize(
    ("source", "english", "german"),
    [
        ('{% translate "Settings" %}', "Settings", "Einstellungen"),
        ('{% translate "Settings" as word %}<{{ word }}>', "<Settings>", "<Einstellungen>"),
        ('{% translate "Settings"|upper %}', "SETTINGS", "EINSTELLUNGEN"),
        ('{% translate "Settings" noop %}', "Settings", "Settings"),
        ("{% translate word %}", "&lt;&gt;", "&lt;&gt;"),
        ('{% translate "last seen %s" %}', "last seen %s", "zuletzt online: %s"),
    ],
)
def test_a_word_of_a_template_is_translated_into_each_language(source, english, german):
    template = Template("{% load i18n translate_once %}" + source)

    for language, text in (("en", english), ("de", german), ("en", english)):
        with translation.override(language):
            assert template.render(Context({"word": "<>"})) == text


def test_a_variable_word_is_not_remembered():
    template = Template("{% load i18n translate_once %}{% translate word %}")

    assert [template.render(Context({"word": word})) for word in "ab"] == ["a", "b"]
