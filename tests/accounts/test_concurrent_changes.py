"""Changes of an account that another request deletes, suspends or changes at the same time."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage

from accounts.models import Block, User
from accounts.services import (
    AccountInactive,
    WrongPassword,
    block,
    change_avatar,
    change_password,
    delete_account,
    remove_avatar,
    restore,
    suspend,
    update_profile,
)
from chatflow.errors import DomainError, NotFound
from chatflow.limits import policy as limits
from conversations.services import change_settings, save_draft, start_direct, start_group
from messaging.services import send_message
from tests.accounts.test_avatar import picture
from tests.conftest import PASSWORD

NEW = "another long enough one"

ACTS = {
    "profile": lambda user: update_profile(user=user, display_name="Real Name", about="private"),
    "email": lambda user: update_profile(user=user, email="new@example.org", password=PASSWORD),
    "privacy": lambda user: update_profile(user=user, last_seen_to="nobody"),
    "password": lambda user: change_password(user=user, current=PASSWORD, new=NEW, login=None),
    "picture": lambda user: change_avatar(user=user, image=picture()),
    "removing the picture": lambda user: remove_avatar(user=user),
    "blocking": lambda user: block(user=user, username="bob"),
    "starting a chat": lambda user: start_direct(user=user, username="carol"),
    "starting a group": lambda user: start_group(
        user=user, title="Late", usernames=["bob", "carol"]
    ),
    "deleting": lambda user: delete_account(user=user, password=PASSWORD),
}


def row_of(user: User) -> dict[str, object]:
    return User.objects.filter(id=user.id).values().get()


def uploads() -> list[str]:
    return default_storage.listdir("avatars")[1] if default_storage.exists("avatars") else []


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_deleted_account_is_not_changed_by_a_concurrent_request(alice, bob, carol, act):
    authenticated = User.objects.get(id=alice.id)
    delete_account(user=alice, password=PASSWORD)
    before = row_of(alice)

    with pytest.raises(DomainError):
        act(authenticated)

    assert row_of(alice) == before
    assert uploads() == []
    assert not Block.objects.exists()


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_suspended_account_is_not_changed_by_a_concurrent_request(alice, bob, carol, act):
    authenticated = User.objects.get(id=alice.id)
    suspend(user=alice)
    before = row_of(alice)

    with pytest.raises(DomainError):
        act(authenticated)

    assert row_of(alice) == before


def test_deleted_user_cannot_be_blocked_by_a_concurrent_request(alice, bob):
    delete_account(user=bob, password=PASSWORD)

    with pytest.raises(NotFound):
        block(user=alice, username="bob")


@pytest.mark.parametrize("act", ["email", "password", "deleting"])
def test_replaced_password_no_longer_confirms_anything(alice, act):
    authenticated = User.objects.get(id=alice.id)
    change_password(user=alice, current=PASSWORD, new=NEW, login=None)

    with pytest.raises(WrongPassword):
        ACTS[act](authenticated)


def test_deleted_account_cannot_be_suspended_or_restored(alice):
    delete_account(user=alice, password=PASSWORD)
    before = row_of(alice)

    suspend(user=alice)
    restore(user=alice)

    assert row_of(alice) == before


def test_hash_upgrade_does_not_overwrite_a_new_password(alice, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    authenticated = User.objects.get(id=alice.id)
    change_password(user=alice, current=PASSWORD, new=NEW, login=None)

    assert authenticated.check_password(PASSWORD)

    alice.refresh_from_db()
    assert alice.check_password(NEW)


# One request, one transaction


def test_profile_update_is_atomic(program, alice, bob):
    changes = {"password": PASSWORD, "about": "New", "last_seen_to": "nobody"}
    before = row_of(alice)

    answer = program(alice).patch("/users/me", changes | {"email": "bob@example.org"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])
    assert row_of(alice) == before


def test_rate_limited_profile_update_changes_nothing(program, alice, few):
    few(limits.WRITING, 1)
    client = program(alice)
    client.patch("/users/me", {"about": "First"})

    answer = client.patch(
        "/users/me",
        {"email": "new@example.org", "password": PASSWORD, "about": "x", "last_seen_to": "nobody"},
    )

    alice.refresh_from_db()
    assert answer.status_code == 429
    assert (alice.email, alice.about) == ("alice@example.org", "First")


# Conversations


def test_deleted_account_cannot_send_or_save_a_draft(alice, direct, membership):
    hers = membership(alice, direct)
    delete_account(user=alice, password=PASSWORD)

    for act in (
        lambda: send_message(membership=hers, body="too late"),
        lambda: save_draft(membership=hers, text="too late"),
        lambda: change_settings(membership=hers, pinned=True),
    ):
        with pytest.raises(NotFound):
            act()

    hers.refresh_from_db()
    assert (hers.sealed_draft, hers.pinned, direct.messages.count()) == (b"", False, 0)


def test_suspended_account_cannot_send(alice, direct, membership):
    hers = membership(alice, direct)
    suspend(user=alice)

    with pytest.raises(NotFound):
        send_message(membership=hers, body="too late")


# In threads


@pytest.mark.django_db(transaction=True)
def test_concurrent_uploads_leave_one_avatar_file(alice, together):
    users = [User.objects.get(id=alice.id) for _ in range(3)]

    together(*[lambda user=user: change_avatar(user=user, image=picture()) for user in users])

    alice.refresh_from_db()
    assert [f"avatars/{name}" for name in uploads()] == [alice.avatar.name]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["profile", "email", "password", "picture", "blocking"])
def test_account_is_empty_after_deletion_despite_concurrent_changes(alice, bob, together, act):
    authenticated = User.objects.get(id=alice.id)

    _act, deletion = together(
        lambda: ACTS[act](authenticated),
        lambda: delete_account(user=alice, password=PASSWORD),
    )

    if isinstance(deletion, WrongPassword):  # the change of the password came first
        assert act == "password"
        return
    alice.refresh_from_db()
    assert (alice.email, alice.display_name, alice.about) == (None, "", "")
    assert not alice.has_usable_password()
    assert (alice.avatar.name, uploads()) == ("", [])
    assert not Block.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_message_is_sent_after_the_deletion_of_the_account(
    alice, bob, direct, group, membership, together
):
    memberships = [membership(alice, direct), membership(alice, group), membership(bob, direct)]
    sends = [
        lambda right=right: send_message(membership=right, body="hello") for right in memberships
    ]

    answers = together(*sends, lambda: delete_account(user=alice, password=PASSWORD), times=8)

    assert User.objects.get(id=alice.id).is_deleted
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert {type(refusal) for refusal in refused} <= {NotFound, WrongPassword, AccountInactive}
    for right in memberships[:2]:
        with pytest.raises(NotFound):
            send_message(membership=right, body="too late")
