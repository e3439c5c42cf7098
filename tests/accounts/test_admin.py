"""Users in the admin: suspending, restoring, permissions, and what moderators cannot read."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import User
from chatflow.live.events import Close
from messaging.models import AuditEntry, Message, Report
from tests.conftest import PASSWORD

PEOPLE = "/admin/accounts/user/"


@pytest.fixture
def root(person) -> User:
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def act(browser, root):
    """act("suspend", bob) runs the action on bob's row as root."""
    page = browser(root)

    def choose(action, *people):
        ticked = [str(user.id) for user in people]
        return page.post(PEOPLE, {"action": action, "_selected_action": ticked}, follow=True)

    return choose


def log_in(client, user):
    return client.post("/auth/login", {"login": user.username, "password": PASSWORD})


def test_suspending_a_user_ends_their_logins(program, stranger, browser, act, bob, announced):
    client, page = program(bob), browser(bob)

    with announced() as events:
        answer = act("suspend", bob)

    assert "1 person suspended." in answer.content.decode()
    assert [each.get("/users/me").status_code for each in (client, page)] == [401, 401]
    assert log_in(stranger, bob).status_code == 401
    assert [event.control for event in events] == [Close(4401)]


def test_restored_user_can_log_in_again(program, stranger, act, bob):
    client = program(bob)
    act("suspend", bob)

    answer = act("restore", bob)

    assert "1 person restored." in answer.content.decode()
    assert log_in(stranger, bob).status_code == 200
    assert client.get("/users/me").status_code == 401


def test_suspending_a_suspended_user_is_not_an_error(act, bob):
    act("suspend", bob)

    assert act("suspend", bob).status_code == 200


def test_moderator_cannot_suspend_themselves(act, root, bob):
    answer = act("suspend", root, bob)

    root.refresh_from_db()
    assert "1 person suspended." in answer.content.decode()
    assert root.is_active


def test_restoring_a_deleted_account_has_no_effect(program, stranger, act, bob):
    program(bob).delete("/users/me", {"password": PASSWORD})

    act("restore", bob)

    bob.refresh_from_db()
    assert log_in(stranger, bob).status_code == 401


def test_user_page_lists_their_logins(browser, program, root, bob):
    program(bob)

    page = browser(root).get(f"{PEOPLE}{bob.id}/change/").content.decode()

    assert all(fact in page for fact in ("bob@example.org", "127.0.0.1", "tests"))
    assert bob.password not in page


def test_superuser_can_appoint_a_moderator_without_changing_other_fields(browser, root, bob):
    moderators = Group.objects.get(name="Moderators")
    wishes = {"is_staff": "on", "username": "x", "email": "x@example.org", "is_active": ""}
    wishes |= {"groups": [moderators.id]}
    inline = {"logins-TOTAL_FORMS": 0, "logins-INITIAL_FORMS": 0}

    browser(root).post(f"{PEOPLE}{bob.id}/change/", wishes | inline)

    bob.refresh_from_db()
    assert (bob.is_staff, bob.is_superuser, bob.is_active) == (True, False, True)
    assert (bob.username, bob.email) == ("bob", "bob@example.org")
    assert list(bob.groups.all()) == [moderators]
    assert browser(bob).get("/admin/messaging/report/").status_code == 200


def test_moderator_cannot_grant_permissions(browser, moderator, bob):
    wishes = {"is_staff": "on", "is_superuser": "on", "groups": [moderator.groups.get().id]}
    inline = {"logins-TOTAL_FORMS": 0, "logins-INITIAL_FORMS": 0}

    for user in (bob, moderator):
        browser(moderator).post(f"{PEOPLE}{user.id}/change/", wishes | inline)

    bob.refresh_from_db()
    moderator.refresh_from_db()
    assert (bob.is_staff, bob.is_superuser, bob.groups.exists()) == (False, False, False)
    assert not moderator.is_superuser


def test_suspending_and_restoring_are_recorded_in_the_audit_log(act, root, bob):
    act("suspend", bob, root)
    act("restore", bob)

    entries = AuditEntry.objects.order_by("at").values_list("moderator", "act", "person", "report")
    assert list(entries) == [
        (root.id, "suspended", bob.id, None),
        (root.id, "restored", bob.id, None),
    ]


@pytest.mark.parametrize("path", ["add/", "{bob}/delete/"])
def test_users_cannot_be_added_or_deleted_in_the_admin(browser, root, bob, path):
    page = browser(root)

    assert page.get(PEOPLE + path.format(bob=bob.id)).status_code == 403
    assert page.post(PEOPLE + path.format(bob=bob.id), {"post": "yes"}).status_code == 403
    assert User.objects.filter(username="bob").exists()


def test_admin_shows_no_messages_except_reported_ones(
    browser, program, root, alice, bob, direct, group, say
):
    for conversation in (direct, group):
        message = say(alice, conversation, "HiddenWords")
    report_it(program(bob), message, comment="HiddenWords too")
    page = browser(root)
    page.get(report_page())  # so that the audit log has a row

    shown = {address: page.get(address) for address in every_url()}

    assert {answer.status_code for answer in shown.values()} == {200}
    assert len(shown) > 10
    telling = [name for name, answer in shown.items() if b"HiddenWords" in answer.content]
    assert telling == [report_page()]
    assert not admin.site.is_registered(Message)


def report_it(client, message, **body):
    address = f"/conversations/{message.conversation_id}/messages/{message.id}/report"
    assert client.post(address, {"reason": "spam"} | body).status_code == 201


def report_page() -> str:
    return reverse("admin:messaging_report_change", args=[Report.objects.get().id])


def every_url():
    """Yield the URLs of the index, of every model's list, and of every row's page and history."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        for row in model.objects.all():
            yield reverse(f"{name}_change", args=[row.pk])
            yield reverse(f"{name}_history", args=[row.pk])


# Access


def test_anonymous_visitor_is_redirected_to_the_login_page(client, db):
    first = client.get(PEOPLE)
    second = client.get(first.headers["Location"])

    assert (first.status_code, second.status_code) == (302, 302)
    assert second.headers["Location"] == "/login?next=%2Fadmin%2Faccounts%2Fuser%2F"


def test_login_leads_back_to_the_admin(client, root):
    answer = client.post(
        f"/login?next={PEOPLE}", {"login": "root", "password": PASSWORD}, follow=True
    )

    assert answer.redirect_chain == [(PEOPLE, 302)]
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/admin/", PEOPLE, "/admin/conversations/conversation/"])
def test_ordinary_user_has_no_access(browser, alice, path):
    assert browser(alice).get(path).status_code == 302


def test_staff_without_permissions_sees_nothing(browser, person, bob):
    page = browser(person("erin", is_staff=True))

    index = page.get("/admin/")
    shown = [page.get(address) for address in every_url() if address != "/admin/"]

    assert index.status_code == 200
    assert b"/admin/accounts" not in index.content
    assert {answer.status_code for answer in shown} == {403}
    assert page.post(PEOPLE, {"action": "suspend", "_selected_action": [bob.id]}).status_code == 403


def test_ordinary_user_cannot_suspend_anyone(browser, alice, bob):
    browser(alice).post(PEOPLE, {"action": "suspend", "_selected_action": [str(bob.id)]})

    bob.refresh_from_db()
    assert bob.is_active


def test_access_token_does_not_open_the_admin(program, root):
    assert program(root).get("/admin/").status_code == 302


def test_suspended_moderator_loses_access(browser, act, person):
    other = person("other", is_staff=True, is_superuser=True)
    page = browser(other)
    assert page.get("/admin/").status_code == 200

    act("suspend", other)

    assert page.get("/admin/").status_code == 302


def test_ordinary_user_gets_403_instead_of_a_redirect_loop(browser, alice):
    answer = browser(alice).get("/admin/", follow=True)

    assert answer.status_code == 403


def test_moderator_can_suspend_users_but_not_superusers(browser, moderator, root, bob):
    page = browser(moderator)
    ticked = [str(bob.id), str(root.id)]

    page.post(PEOPLE, {"action": "suspend", "_selected_action": ticked})

    bob.refresh_from_db()
    root.refresh_from_db()
    assert (bob.is_active, root.is_active) == (False, True)


def test_logging_out_of_the_admin_ends_the_login(browser, root):
    page = browser(root)
    cookie = page.cookies["sessionid"].value

    page.post("/admin/logout/")

    page.cookies["sessionid"] = cookie
    assert page.get("/users/me").status_code == 401


def test_password_change_redirects_to_the_settings(browser, root):
    assert browser(root).get("/admin/password_change/").url == "/settings"
