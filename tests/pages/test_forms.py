"""Forms: focus and errors after a refusal, messages and redirects after success."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client

from accounts.models import Login
from conversations.models import Membership
from conversations.services import start_group
from tests.conftest import PASSWORD


class Inputs(HTMLParser):
    """Collects the attributes of every input of a page by name."""

    def __init__(self, response) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "input":
            self.found[attributes.get("name", "")] = attributes

    @property
    def focused(self) -> list[str]:
        return [name for name, attributes in self.found.items() if "autofocus" in attributes]


def sign_up(**fields):
    good = {"username": "erin", "email": "erin@example.org", "password": "a fine long sentence"}
    return Client().post("/register", good | fields)


def test_first_invalid_field_of_a_refused_form_has_the_focus(alice):
    assert Inputs(Client().get("/register")).focused == ["username"]
    assert Inputs(sign_up(password="short")).focused == ["password"]
    assert Inputs(sign_up(email="nobody")).focused == ["email"]
    assert Inputs(sign_up(username="alice", password="short")).focused == ["username"]


def test_password_has_the_focus_after_a_wrong_password(alice):
    answer = Client().post("/login", {"login": "alice", "password": "not it"})

    assert answer.status_code == 422
    assert Inputs(answer).focused == ["password"]


@pytest.mark.parametrize("username", ["alice", "a"])
def test_errors_of_username_and_password_are_shown_together(alice, username):
    fields = Inputs(sign_up(username=username, password="short")).found

    invalid = [name for name, field in fields.items() if field.get("aria-invalid") == "true"]
    assert invalid == ["username", "password"]


def test_registration_form_keeps_a_valid_password(alice):
    password = "a fine long sentence"

    assert Inputs(sign_up(username="alice")).found["password"]["value"] == password
    assert Inputs(sign_up(email="nobody")).found["password"]["value"] == password
    assert "value" not in Inputs(sign_up(password="short")).found["password"]
    assert "value" not in Inputs(Client().get("/register")).found["password"]


def test_other_forms_never_return_a_password(browser, alice):
    client = browser(alice)
    for path, fields in [
        ("/login", {"login": "alice", "password": "not it"}),
        ("/settings/password", {"current": "not it", "new": "a fine long sentence"}),
        ("/settings/delete", {"password": "not it"}),
    ]:
        answer = (Client() if path == "/login" else client).post(path, fields)
        assert answer.status_code == 422
        assert "not it" not in answer.content.decode()


# Settings


@pytest.mark.parametrize(
    ("path", "fields", "card"),
    [
        ("profile", {"display_name": "Alice L.", "about": ""}, "profile"),
        ("avatar/remove", {}, "photo"),
        ("appearance", {"theme": "dark"}, "appearance"),
        ("privacy", {"last_seen_to": "nobody"}, "privacy"),
        ("blocks/bob/lift", {}, "privacy"),
        ("password", {"current": PASSWORD, "new": "a fine long sentence"}, "password"),
    ],
)
def test_settings_form_redirects_to_its_card(browser, alice, bob, path, fields, card):
    answer = browser(alice).post(f"/settings/{path}", fields)

    assert answer["Location"] == f"/settings#{card}"


def test_confirmation_is_shown_in_its_card(browser, alice):
    client = browser(alice)
    page = client.post(
        "/settings/profile", {"display_name": "Alicia"}, follow=True, headers={"HX-Request": "true"}
    ).content.decode()

    card = page[page.index('id="profile"') : page.index('id="appearance"')]
    assert "Saved." in card
    assert page.count("Saved.") == 1


def test_switch_is_saved_without_another_page(browser, alice):
    answer = browser(alice).post(
        "/settings/privacy", {"last_seen_to": "nobody"}, headers={"HX-Request": "true"}
    )

    assert answer.content.decode().strip().endswith("<live-toast>Saved.</live-toast>")


def test_new_display_name_updates_the_sidebar(browser, alice):
    fragment = {"HX-Request": "true"}
    page = browser(alice).post(
        "/settings/profile", {"display_name": "Alicia", "about": ""}, follow=True, headers=fragment
    )

    assert '<a class="sidebar__me" id="me"' in page.content.decode()
    assert 'hx-swap-oob="true"' in page.content.decode()
    assert 'hx-swap-oob="true"' not in browser(alice).get("/settings").content.decode()


# Logging out


def test_logging_out_asks_for_confirmation(browser, alice):
    client = browser(alice)
    page = client.get("/logout").content.decode()

    assert f'action="/logout?page_user={alice.id}"' in page
    assert client.get("/settings").status_code == 200
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/settings").status_code == 302


def test_login_page_explains_that_the_session_was_ended(browser, alice):
    client = browser(alice)
    Login.objects.filter(user=alice).delete()

    page = client.get("/settings", follow=True).content.decode()

    assert "You were logged out on this device." in page
    assert "logged out" not in Client().get("/login").content.decode()


def test_login_page_says_nothing_after_an_ordinary_logout(browser, alice):
    client = browser(alice)
    client.post("/logout")

    assert "You were logged out" not in client.get("/login").content.decode()


# Removing a member


@pytest.fixture
def group(alice, bob, carol):
    return start_group(user=alice, title="Garden", usernames=["bob", "carol"])


def members(group):
    return set(group.memberships.active().values_list("user__username", flat=True))


def test_removing_a_member_asks_first_and_is_confirmed(browser, alice, group):
    client, path = browser(alice), f"/chats/{group.id}/members/bob/remove"

    question = client.get(path).content.decode()
    assert "Remove Bob?" in question
    assert "bob" in members(group)
    answer = client.post(path)
    assert answer["Location"] == f"/chats/{group.id}/info#members"
    assert "bob" not in members(group)
    assert (
        "Bob was removed from the group." in client.get(f"/chats/{group.id}/info").content.decode()
    )
    assert client.post(path).status_code == 404


def test_removal_fragment_names_the_member_and_the_new_count(browser, alice, bob, group):
    path = f"/chats/{group.id}/members/bob/remove"
    answer = browser(alice).post(path, headers={"HX-Request": "true"}).content.decode()

    assert "<live-toast>Bob was removed from the group.</live-toast>" in answer
    assert f'<live-member-removed data-user="{bob.id}">' in answer
    assert "2 members" in answer


def test_only_admins_of_a_group_can_open_the_removal_form(browser, bob, mallory, direct, group):
    path = f"/chats/{group.id}/members/carol/remove"

    assert browser(bob).get(path).status_code == 403
    assert browser(mallory).get(path).status_code == 404
    assert browser(bob).get(f"/chats/{direct.id}/members/alice/remove").status_code == 403
    assert members(group) == {"alice", "bob", "carol"}


def test_role_form_returns_the_member_fragment(browser, alice, bob, group):
    path = f"/chats/{group.id}/members/bob/role"
    answer = browser(alice).post(path, {"role": "admin"}, headers={"HX-Request": "true"})

    assert answer.content.decode().startswith(f'<li id="member-{bob.id}">')
    assert Membership.objects.get(conversation=group, user=bob).role == "admin"


# Starting a group and finding people


@pytest.mark.parametrize("chosen", [[], ["bob"]])
def test_group_without_two_other_people_is_refused(browser, alice, bob, chosen):
    answer = browser(alice).post("/chats/new/group", {"title": "Garden", "members": chosen})

    assert answer.status_code == 422
    assert "Add at least two people." in answer.content.decode()


def test_people_page_has_a_search_form(browser, alice, bob):
    client = browser(alice)

    assert 'action="/people"' in client.get("/people").content.decode()
    assert "Find people by their name" in client.get("/people").content.decode()
    assert "@bob" in client.get("/people?search=bob").content.decode()


def test_people_search_requires_two_letters(browser, alice):
    fragment = {"HX-Request": "true"}
    client = browser(alice)

    assert "at least two letters" in client.get("/people?q=b", headers=fragment).content.decode()
    assert "at least two letters" not in client.get("/people", headers=fragment).content.decode()


def test_login_on_a_phone_has_a_phone_icon(browser, alice):
    client = browser(alice)
    Login.objects.filter(user=alice).update(user_agent="Chrome/120 Android")

    assert "icons.svg#phone" in client.get("/settings").content.decode()
