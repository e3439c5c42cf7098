"""Deleting an account: it is emptied, its messages stay, and others may have its names."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from accounts.models import Block, Login, User
from accounts.services import block, change_avatar, delete_account, open_login
from chatflow.live.events import Close
from conversations.models import Membership
from conversations.services import UnknownPeople, add_members, save_draft, start_group
from messaging.services import react
from tests.accounts.test_avatar import picture
from tests.conftest import BROWSER, PASSWORD
from tests.messaging.test_encryption import everything_stored


def delete(client, password=PASSWORD):
    return client.delete("/users/me", {"password": password})


def test_deleted_account_ends_all_logins_and_hides_the_profile(
    program, stranger, alice, bob, announced
):
    client, other = program(alice), program(alice)

    with announced() as events:
        answer = delete(client)

    assert (answer.status_code, answer.content) == (204, b"")
    assert [each.get("/users/me").status_code for each in (client, other)] == [401, 401]
    assert program(bob).get("/users/alice").status_code == 404
    assert [event.control for event in events] == [Close(4401)]


def test_personal_fields_and_avatar_are_removed(
    program, person, tmp_path, django_capture_on_commit_callbacks
):
    alice = person("alice", about="Gardener", is_staff=True, is_superuser=True)
    change_avatar(user=alice, image=picture())

    with django_capture_on_commit_callbacks(execute=True):
        delete(program(alice))

    alice.refresh_from_db()
    assert (alice.email, alice.display_name, alice.about, alice.avatar.name) == (None, "", "", "")
    assert "alice" not in alice.username
    assert not alice.has_usable_password()
    assert not any([alice.is_active, alice.is_staff, alice.is_superuser])
    assert not list(tmp_path.rglob("*.webp"))


def test_username_and_email_can_be_registered_again(program, stranger, alice):
    delete(program(alice))
    newcomer = {"username": "alice", "email": "alice@example.org", "password": PASSWORD}

    answer = stranger.post("/auth/register", newcomer)

    assert answer.status_code == 201
    assert answer.json()["user"]["id"] != str(alice.id)


def test_several_accounts_can_be_deleted(alice, bob):
    delete_account(user=alice, password=PASSWORD)
    delete_account(user=bob, password=PASSWORD)

    assert User.objects.exclude(deleted_at=None).count() == 2


def test_direct_conversation_and_messages_remain(program, alice, bob, direct, say):
    say(alice, direct, "see you")

    delete(program(alice))

    client = program(bob)
    chat = client.get(f"/conversations/{direct.id}").json()
    (message,) = client.get(f"/conversations/{direct.id}/messages").json()["results"]
    assert chat["title"] == "Deleted account"
    assert (message["body"], message["sender"]) == ("see you", None)


def test_groups_continue_without_the_deleted_member(program, alice, carol, group):
    delete(program(alice))

    members = program(carol).get(f"/conversations/{group.id}").json()["members"]
    assert {member["user"]["username"]: member["role"] for member in members} == {
        "bob": "member",
        "carol": "owner",
    }
    assert not Membership.objects.active().of(alice).in_groups().exists()


@pytest.mark.parametrize("password", ["wrong", "", "p" * 1001])
def test_deletion_requires_the_password(program, alice, group, password):
    client = program(alice)

    answer = delete(client, password)

    alice.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert not alice.is_deleted
    assert client.get(f"/conversations/{group.id}").status_code == 200


def test_deletion_requires_a_login(stranger, alice):
    assert delete(stranger).status_code == 401
    assert User.objects.filter(deleted_at=None).count() == 1


def test_account_cannot_be_deleted_twice(program, alice):
    client = program(alice)

    assert [delete(client).status_code for _ in range(2)] == [204, 401]


# --- remaining rows ------------------------------------------------------------------------------


@pytest.fixture
def erin(person, say, bob, carol, dave, membership):
    """A user with rows in every table, each containing a distinctive word."""
    erin = person(
        "erin_hyacinth", display_name="Erin Hyacinth", about="hyacinths", last_seen_to="nobody"
    )
    change_avatar(user=erin, image=picture())
    open_login(user=erin, device=replace(BROWSER, user_agent="Hyacinth/7", ip="203.0.113.77"))
    group = start_group(user=bob, title="Bulbs", usernames=["carol", "erin_hyacinth"])
    message = say(erin, group, "I am Erin Hyacinth")
    react(membership=membership(erin, group), message_id=message.id, emoji="🌷")
    save_draft(membership=membership(erin, group), text="hyacinth")
    block(user=erin, username="dave")
    block(user=carol, username="erin_hyacinth")
    erin.groups.add(Group.objects.create(name="helpers"))
    erin.refresh_from_db()
    return erin


def traces_of(erin, *more):
    """Return the distinctive words that are found in any column of any table."""
    words = [b"hyacinth", b"203.0.113.77", *(word.lower().encode() for word in more)]
    stored = [value.lower() for value in everything_stored()]
    return {word for word in words if any(word in value for value in stored)}


def test_no_table_contains_personal_data_afterwards(
    erin, tmp_path, django_capture_on_commit_callbacks
):
    secrets = [erin.password, erin.avatar.name]
    assert len(traces_of(erin, *secrets)) == 4
    assert list(tmp_path.rglob("*.webp"))

    with django_capture_on_commit_callbacks(execute=True):
        delete_account(user=erin, password=PASSWORD)

    assert traces_of(erin, *secrets) == set()
    assert not list(tmp_path.rglob("*.webp"))


def test_only_messages_reactions_and_memberships_still_refer_to_the_user(erin):
    delete_account(user=erin, password=PASSWORD)

    erin.refresh_from_db()
    assert (erin.messages.count(), erin.reactions.count()) == (2, 1)  # “Erin left” is one of them
    assert list(Membership.objects.of(erin).values_list("sealed_draft", flat=True)) == [b""]
    assert not Membership.objects.active().of(erin).exists()
    assert not Block.objects.exists()
    assert not Login.objects.filter(user=erin).exists()
    assert erin.last_seen_at is None
    assert not erin.groups.exists()


# --- concurrent additions to groups --------------------------------------------------------------


@pytest.fixture
def interrupted():
    """interrupted(first, second) starts `second` before `first` commits, and lets it wait for that.

    It returns a list of the errors that `second` raised.
    """

    def run(first, second):
        has_begun, may_commit, raised = threading.Event(), threading.Event(), []

        def begin():
            with transaction.atomic():
                first()
                has_begun.set()
                assert may_commit.wait(timeout=30)
            connection.close()

        def follow():
            try:
                second()
            except UnknownPeople as error:
                raised.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=act) for act in (begin, follow)]
        threads[0].start()
        assert has_begun.wait(timeout=30)
        threads[1].start()
        try:
            wait_for_blocked_session()
        finally:
            may_commit.set()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        return raised

    return run


def wait_for_blocked_session():
    """Wait for a blocked PostgreSQL session. SQLite has only one writer at a time anyway."""
    deadline = time.monotonic() + 30
    while connection.vendor == "postgresql":
        assert time.monotonic() < deadline, "nobody waits"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_been_there", [True, False])
def test_user_added_during_deletion_is_not_a_member_afterwards(
    interrupted, group, alice, dave, mallory, membership, has_been_there
):
    newcomer = dave if has_been_there else mallory

    interrupted(
        lambda: add_members(membership=membership(alice, group), usernames=[newcomer.username]),
        lambda: delete_account(user=newcomer, password=PASSWORD),
    )

    newcomer.refresh_from_db()
    group.refresh_from_db()
    assert newcomer.is_deleted
    assert not Membership.objects.active().of(newcomer).exists()
    assert group.member_count == group.memberships.active().count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_been_there", [True, False])
def test_user_cannot_be_added_during_deletion(
    interrupted, group, alice, dave, mallory, membership, has_been_there
):
    newcomer = dave if has_been_there else mallory

    raised = interrupted(
        lambda: delete_account(user=newcomer, password=PASSWORD),
        lambda: add_members(membership=membership(alice, group), usernames=[newcomer.username]),
    )

    assert len(raised) == 1
    assert not Membership.objects.active().of(newcomer).exists()


@pytest.mark.django_db(transaction=True)
def test_user_cannot_start_a_group_during_deletion(interrupted, alice, bob, carol):
    raised = interrupted(
        lambda: delete_account(user=alice, password=PASSWORD),
        lambda: start_group(user=alice, title="Late", usernames=["bob", "carol"]),
    )

    assert len(raised) == 1
    assert not Membership.objects.active().of(alice).exists()


@pytest.mark.django_db(transaction=True)
def test_concurrent_additions_do_not_deadlock(together, group, alice, carol, crowd, membership):
    names = crowd(12)
    other = start_group(user=carol, title="Orchard", usernames=["alice", "bob"])
    adds = [
        lambda: add_members(membership=membership(alice, group), usernames=names),
        lambda: add_members(membership=membership(carol, other), usernames=names[::-1]),
    ]

    assert together(*adds) == [None, None]
