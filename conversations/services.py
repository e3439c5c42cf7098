"""What users can do with conversations and their members. The API and the pages call these.

Each function locks the conversation first, so concurrent changes happen one after the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Block, User
from accounts.names import canonical
from chatflow.errors import DomainError, Forbidden, NotFound
from chatflow.limits import policy as limits
from chatflow.limits.policy import limited
from chatflow.text.visible import is_one_line, is_visible
from conversations import events
from conversations.access import lock_membership, lock_own_settings, require_admin
from conversations.encryption.envelope import new_wrapped_key, sealed
from conversations.models import (
    FOREVER,
    MAX_GROUP_SIZE,
    MAX_TITLE_LENGTH,
    MIN_GROUP_SIZE,
    Conversation,
    Membership,
)
from conversations.querysets import IS_LISTED, direct_key_of
from messaging.attachments.services import delete_unused_of
from messaging.models import MAX_BODY_LENGTH
from messaging.receipts import raise_watermarks
from messaging.services import write_system_message
from messaging.system_messages import SystemMessageKind

Role = Membership.Role


class UnknownPeople(DomainError):
    code = "unknown_people"


class NotAGroup(Forbidden):
    code = "not_a_group"
    message = _("The members of a direct chat cannot be changed.")


class WrongGroupSize(DomainError):
    code = "wrong_group_size"


class BadTitle(DomainError):
    code = "bad_title"


class AddedConcurrently(Exception):
    """A user was added to a conversation while their account was being deleted."""


class OwnerIsUntouchable(Forbidden):
    code = "owner_is_untouchable"
    message = _("Only the owner can give up or transfer ownership.")


# --- starting ------------------------------------------------------------------------------------


@limited(limits.STARTING)
def start_direct(*, user: User, username: str) -> tuple[Conversation, bool]:
    """Return the direct chat of the two users, and whether it is new. Two users have only one."""
    other = find_people([username])[0]
    if other == user:
        raise UnknownPeople(_("You cannot start a chat with yourself."), field="members")
    existing = Conversation.objects.between(user, other)
    if conversation := existing.first():
        return _list_for(user, conversation), False
    try:
        return _create_direct(user, other), True
    except IntegrityError:
        return _list_for(user, existing.get()), False  # started concurrently


@transaction.atomic
def _create_direct(user: User, other: User) -> Conversation:
    """Create a direct chat that only its starter sees; see `MembershipQuerySet.listed`."""
    lock_users([user.username, other.username])
    conversation = _create(Conversation.Kind.DIRECT, direct_key=direct_key_of(user.id, other.id))
    _add_memberships(conversation, [user, other])
    conversation.memberships.filter(user=other).update(
        joined_at=conversation.created_at,
        archived=other.blocks.filter(blocked=user).exists(),
    )
    events.members_joined(conversation, [user.id, other.id])
    return conversation


def _list_for(user: User, conversation: Conversation) -> Conversation:
    """List a chat without messages for the user, even if the other person started it."""
    unlisted = conversation.memberships.of(user).exclude(IS_LISTED)
    if not conversation.last_seq and unlisted.update(joined_at=timezone.now()):
        events.members_joined(conversation, [user.id])
    return conversation


@limited(limits.STARTING)
@transaction.atomic
def start_group(*, user: User, title: str, usernames: Iterable[str]) -> Conversation:
    title = _good_title(title)
    others = [person for person in lock_users([user.username, *usernames]) if person != user]
    if len(others) + 1 < MIN_GROUP_SIZE:
        raise WrongGroupSize(_("Add at least two people."), field="members")
    _require_room(len(others) + 1)
    conversation = _create(Conversation.Kind.GROUP, title=title)
    _add_memberships(conversation, [user], role=Role.OWNER)
    _add_memberships(conversation, others)
    _archive_for_blockers(conversation, others, added_by=user)
    events.members_joined(conversation, [person.id for person in (user, *others)])
    write_system_message(conversation, SystemMessageKind.CREATED, actor=user, subject=title)
    return conversation


def _create(kind: Conversation.Kind, **fields: str) -> Conversation:
    return Conversation.objects.create(
        kind=kind, wrapped_key=new_wrapped_key(), active_at=timezone.now(), **fields
    )


# --- members -------------------------------------------------------------------------------------


@limited(limits.STARTING)
@transaction.atomic
def add_members(*, membership: Membership, usernames: Iterable[str]) -> None:
    """Add users to a group, as an admin. Existing members are ignored.

    New members see only later messages.
    """
    membership = _lock_group(membership)
    require_admin(membership)
    conversation = membership.conversation
    present = set(conversation.memberships.active().values_list("user_id", flat=True))
    newcomers = [person for person in lock_users(usernames) if person.id not in present]
    _require_room(len(present) + len(newcomers))
    if not newcomers:
        return
    _add_memberships(conversation, newcomers)
    _archive_for_blockers(conversation, newcomers, added_by=membership.user)
    events.members_joined(conversation, [person.id for person in newcomers])
    write_system_message(
        conversation,
        SystemMessageKind.ADDED,
        actor=membership.user,
        subject=", ".join(person.name for person in newcomers),
        count=len(newcomers),
    )


@limited(limits.WRITING)
@transaction.atomic
def remove_member(*, membership: Membership, username: str) -> Membership:
    """Remove a member as an admin, or leave the group. Return the former member."""
    if canonical(username) == membership.user.username:
        return _leave(membership)
    membership = _lock_group(membership)
    require_admin(membership)
    leaver = find_member(membership.conversation, username)
    if leaver.is_owner:
        raise OwnerIsUntouchable
    _end_membership(leaver)
    write_system_message(
        membership.conversation,
        SystemMessageKind.REMOVED,
        actor=membership.user,
        subject=leaver.user.name,
        leaver=leaver,
    )
    _membership_ended(leaver, by=membership.user)
    return leaver


@limited(limits.WRITING)
@transaction.atomic
def leave(*, membership: Membership) -> None:
    """Leave a group. Ownership passes to the longest-standing admin, or else member."""
    _leave(membership)


def _leave(membership: Membership) -> Membership:
    membership = _lock_group(membership)
    _end_membership(membership)
    write_system_message(
        membership.conversation, SystemMessageKind.LEFT, actor=membership.user, leaver=membership
    )
    if membership.is_owner:
        _pass_ownership(membership)
    _membership_ended(membership, by=membership.user)
    return membership


def leave_everything(*, user: User) -> set[uuid.UUID]:
    """Leave all groups, in the transaction that deletes the account. Direct chats remain.

    Return the ids of all the user's conversations. They are locked until the commit and before the
    account, which is the order of all services. A concurrent writer has therefore committed, or
    will find the account deleted.
    """
    memberships = Membership.objects.active().of(user)
    conversations = Conversation.objects.filter(id__in=memberships.values("conversation"))
    locked_ids = {each.id for each in conversations.order_by("id").locked().only("id")}
    groups = memberships.in_groups().filter(conversation__in=locked_ids)
    for membership in groups.with_user().order_by("conversation"):
        _leave(membership)
    return locked_ids


def forget_everything(*, user: User, locked_ids: set[uuid.UUID]) -> None:
    """Delete the drafts and unsent uploads of a locked account, after `leave_everything`.

    Raises AddedConcurrently if the user was added to another conversation since. Locking that one
    after the account could deadlock, so the caller has to repeat the transaction.
    """
    if Membership.objects.active().of(user).exclude(conversation__in=locked_ids).exists():
        raise AddedConcurrently
    Membership.objects.of(user).update(sealed_draft=b"")
    delete_unused_of(user)


@limited(limits.WRITING)
@transaction.atomic
def change_role(*, membership: Membership, username: str, role: Membership.Role) -> Membership:
    """Change a member's role, as an admin. An owner who transfers ownership becomes an admin."""
    membership = _lock_group(membership)
    require_admin(membership)
    member = find_member(membership.conversation, username)
    if member.role == role:
        return member
    if member.is_owner or (role == Role.OWNER and not membership.is_owner):
        raise OwnerIsUntouchable
    if role == Role.OWNER:
        _set_role(membership, Role.ADMIN)
    _set_role(member, role)
    write_system_message(
        membership.conversation,
        _KIND_OF_ROLE[role],
        actor=membership.user,
        subject=member.user.name,
    )
    return member


_KIND_OF_ROLE = {
    Role.OWNER: SystemMessageKind.MADE_OWNER,
    Role.ADMIN: SystemMessageKind.MADE_ADMIN,
    Role.MEMBER: SystemMessageKind.MADE_MEMBER,
}


# --- title and own settings ----------------------------------------------------------------------


@limited(limits.WRITING)
@transaction.atomic
def rename(*, membership: Membership, title: str) -> Conversation:
    membership = _lock_group(membership)
    require_admin(membership)
    conversation, title = membership.conversation, _good_title(title)
    if conversation.title == title:
        return conversation
    conversation.title = title
    conversation.save(update_fields=["title"])
    write_system_message(
        conversation, SystemMessageKind.RENAMED, actor=membership.user, subject=title
    )
    return conversation


@limited(limits.WRITING)
@transaction.atomic
def change_settings(*, membership: Membership, **changes: datetime | bool | None) -> Membership:
    """Change the member's own `muted_until`, `archived`, `pinned` or `marked_unread`, on all their
    devices."""
    membership = lock_own_settings(membership)
    for field, value in changes.items():
        setattr(membership, field, value)
    membership.save(update_fields=list(changes))
    events.membership_updated(membership)
    return membership


@limited(limits.WRITING)
@transaction.atomic
def save_draft(*, membership: Membership, text: str) -> Membership:
    """Save the member's unsent text for all their devices. An empty text deletes the draft."""
    membership = lock_own_settings(membership)
    text = text[:MAX_BODY_LENGTH].strip()
    if text == membership.draft:
        return membership
    conversation = membership.conversation
    membership.sealed_draft = (
        sealed(text, conversation=conversation, message_id=membership.user_id) if text else b""
    )
    membership.save(update_fields=["sealed_draft"])
    events.membership_updated(membership, draft=text)
    return membership


# --- steps and rules -----------------------------------------------------------------------------


def find_people(usernames: Iterable[str]) -> list[User]:
    """Return the users in the given order, without duplicates.

    Raises UnknownPeople with the names of those who do not exist or cannot be written to.
    """
    return _found(User.objects.reachable(), usernames)


def lock_users(usernames: Iterable[str]) -> list[User]:
    """Lock the accounts, so that none is deleted before the commit, and return them.

    Raises UnknownPeople like `find_people`. Lock the conversation first. The accounts are locked in
    one order, so two callers cannot deadlock.
    """
    return _found(User.objects.reachable().locked(), usernames)


def _found(people: QuerySet[User], usernames: Iterable[str]) -> list[User]:
    names = list(dict.fromkeys(canonical(username) for username in usernames))
    found = {user.username: user for user in people.filter(username__in=names)}
    if unknown := [name for name in names if name not in found]:
        raise UnknownPeople(
            _("No account found for %(names)s.") % {"names": ", ".join(unknown)}, field="members"
        )
    return [found[name] for name in names]


def _good_title(title: str) -> str:
    title = title.strip()
    if not 1 <= len(title) <= MAX_TITLE_LENGTH:
        text = _("A group name must have 1 to %(limit)s characters.")
        raise BadTitle(text % {"limit": MAX_TITLE_LENGTH}, field="title")
    if not is_visible(title) or not is_one_line(title):
        raise BadTitle(_("A group name must be one line of readable text."), field="title")
    return title


def _require_room(size: int) -> None:
    if size > MAX_GROUP_SIZE:
        text = _("A group can have at most %(limit)s members.")
        raise WrongGroupSize(text % {"limit": MAX_GROUP_SIZE}, field="members")


def _lock_group(membership: Membership) -> Membership:
    locked = lock_membership(membership)
    if locked.conversation.is_direct:
        raise NotAGroup
    return locked


def find_member(conversation: Conversation, username: str) -> Membership:
    member = conversation.memberships.active().of_username(username).with_user().first()
    if member is None:
        raise NotFound
    member.conversation = conversation
    return member


def _add_memberships(
    conversation: Conversation, people: list[User], *, role: Membership.Role = Role.MEMBER
) -> None:
    """Create or renew memberships that begin after the last message.

    Their watermarks begin there as well, so the conversation's watermarks do not fall.
    """
    fields = {
        "role": role,
        "joined_at": timezone.now(),
        "left_at": None,
        "since_seq": conversation.last_seq,
        "delivered_seq": conversation.last_seq,
        "read_seq": conversation.last_seq,
    }
    returning = Membership.objects.filter(conversation=conversation, user__in=people)
    returned = set(returning.values_list("user_id", flat=True))
    returning.update(**fields, archived=False, marked_unread=False)
    Membership.objects.bulk_create(
        Membership(conversation=conversation, user=person, **fields)
        for person in people
        if person.id not in returned
    )
    conversation.member_count += len(people)
    conversation.save(update_fields=["member_count"])


def _archive_for_blockers(
    conversation: Conversation, people: list[User], *, added_by: User
) -> None:
    """Archive and mute the group for users who have blocked the member who added them."""
    blockers = Block.objects.filter(blocked=added_by, blocker__in=people).values("blocker")
    conversation.memberships.filter(user__in=blockers).update(archived=True, muted_until=FOREVER)


def _end_membership(member: Membership) -> None:
    member.left_at = timezone.now()
    member.save(update_fields=["left_at"])
    member.conversation.member_count -= 1
    member.conversation.save(update_fields=["member_count"])


def _membership_ended(member: Membership, *, by: User) -> None:
    raise_watermarks(member.conversation)  # it may have been the slowest member
    events.member_left(member, by=by)


def _pass_ownership(former: Membership) -> None:
    successor = former.conversation.memberships.active().by_rank().with_user().first()
    if successor is None:
        return
    _set_role(successor, Role.OWNER)
    write_system_message(
        former.conversation,
        SystemMessageKind.MADE_OWNER,
        actor=former.user,
        subject=successor.user.name,
    )


def _set_role(member: Membership, role: Membership.Role) -> None:
    member.role = role
    member.save(update_fields=["role"])
