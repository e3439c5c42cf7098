"""What people can do with conversations and with who is in them. Every interface calls these.

Each locks the conversation first, so two of them at once happen one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import canonical
from chatflow import limits
from chatflow.errors import DomainError, Forbidden, NotFound
from chatflow.limits import limited
from conversations import events
from conversations.access import lock_membership, require_admin
from conversations.encryption import new_wrapped_key, sealed
from conversations.models import TITLE_LENGTH, Conversation, Membership
from conversations.querysets import pair_of
from messaging.notices import Notice
from messaging.receipts import raise_watermarks
from messaging.services import write_notice

FEWEST_MEMBERS = 3
MOST_MEMBERS = 1024
DRAFT_LENGTH = 4096

Role = Membership.Role


class UnknownPeople(DomainError):
    code = "unknown_people"


class NotAGroup(Forbidden):
    code = "not_a_group"
    message = _("The two members of a direct chat never change.")


class WrongGroupSize(DomainError):
    code = "wrong_group_size"
    message = _("A group has 3 to 1024 members.")


class BadTitle(DomainError):
    code = "bad_title"
    message = _("A title has 1 to 100 characters.")


class AddedMeanwhile(Exception):
    """Somebody was added to a group while they were leaving all of theirs."""


class OwnerIsUntouchable(Forbidden):
    code = "owner_is_untouchable"
    message = _("Only owners themselves can give up a group.")


# --- starting ------------------------------------------------------------------------------------


@limited(limits.STARTING)
def start_direct(*, user: User, username: str) -> tuple[Conversation, bool]:
    """The direct chat of the two, and whether it is new. There is one a pair, whoever starts it."""
    other = find_people([username])[0]
    if other == user:
        raise UnknownPeople(_("You cannot start a chat with yourself."), field="members")
    existing = Conversation.objects.between(user, other)
    if conversation := existing.first():
        return conversation, False
    try:
        return _create_direct(user, other), True
    except IntegrityError:
        return existing.get(), False  # the other one was faster


@transaction.atomic
def _create_direct(user: User, other: User) -> Conversation:
    conversation = _create(Conversation.Kind.DIRECT, pair=pair_of(user.id, other.id))
    _enter(conversation, [user, other])
    if other.blocks.filter(blocked=user).exists():
        conversation.memberships.filter(user=other).update(archived=True)
    events.members_joined(conversation, [user.id, other.id])
    return conversation


@limited(limits.STARTING)
@transaction.atomic
def start_group(*, user: User, title: str, usernames: Iterable[str]) -> Conversation:
    title = _good_title(title)
    others = [person for person in hold_people([user.username, *usernames]) if person != user]
    if not FEWEST_MEMBERS <= len(others) + 1 <= MOST_MEMBERS:
        raise WrongGroupSize(field="members")
    conversation = _create(Conversation.Kind.GROUP, title=title)
    _enter(conversation, [user], role=Role.OWNER)
    _enter(conversation, others)
    events.members_joined(conversation, [person.id for person in (user, *others)])
    write_notice(conversation, Notice.CREATED, actor=user, subject=title)
    return conversation


def _create(kind: Conversation.Kind, **fields: str) -> Conversation:
    return Conversation.objects.create(
        kind=kind, wrapped_key=new_wrapped_key(), active_at=timezone.now(), **fields
    )


# --- who is in -----------------------------------------------------------------------------------


@limited(limits.STARTING)
@transaction.atomic
def add_members(*, membership: Membership, usernames: Iterable[str]) -> None:
    """People who are in already are passed over. Newcomers see what comes from now on."""
    membership = _lock_group(membership)
    require_admin(membership)
    conversation = membership.conversation
    present = set(conversation.memberships.active().values_list("user_id", flat=True))
    newcomers = [person for person in hold_people(usernames) if person.id not in present]
    if len(present) + len(newcomers) > MOST_MEMBERS:
        raise WrongGroupSize(field="members")
    if not newcomers:
        return
    _enter(conversation, newcomers)
    events.members_joined(conversation, [person.id for person in newcomers])
    write_notice(
        conversation,
        Notice.ADDED,
        actor=membership.user,
        subject=", ".join(person.name for person in newcomers),
    )


@transaction.atomic
def remove_member(*, membership: Membership, username: str) -> None:
    """By an admin; removing oneself is leaving."""
    if canonical(username) == membership.user.username:
        return leave(membership=membership)
    membership = _lock_group(membership)
    require_admin(membership)
    leaver = _find_member(membership.conversation, username)
    if leaver.is_owner:
        raise OwnerIsUntouchable
    _depart(leaver)
    write_notice(
        membership.conversation,
        Notice.REMOVED,
        actor=membership.user,
        subject=leaver.user.name,
        leaver=leaver,
    )
    _after_departure(leaver)


@transaction.atomic
def leave(*, membership: Membership) -> None:
    """An owner who leaves passes the group to the longest-standing admin, else member."""
    membership = _lock_group(membership)
    _depart(membership)
    write_notice(membership.conversation, Notice.LEFT, actor=membership.user, leaver=membership)
    if membership.is_owner:
        _pass_ownership(membership)
    _after_departure(membership)


def leave_everything(*, user: User) -> User:
    """All groups, in the transaction that deletes the account. Direct chats stay with the other
    person, drafts with nobody.

    Answers the person, held until the commit as `hold_people` holds them, so nobody adds them any
    more. Raises AddedMeanwhile when somebody just has: leaving that group now would be locking a
    conversation after a person, so the transaction has to begin anew.
    """
    groups = Membership.objects.active().of(user).in_groups().with_user()
    for membership in groups.order_by("conversation"):  # two who go lock in one order
        leave(membership=membership)
    held = User.objects.select_for_update().get(id=user.id)
    if groups.exists():
        raise AddedMeanwhile
    Membership.objects.of(user).update(sealed_draft=b"")
    return held


@transaction.atomic
def change_role(*, membership: Membership, username: str, role: Membership.Role) -> Membership:
    """By an admin, but only the owner makes an owner, and becomes an admin by it."""
    membership = _lock_group(membership)
    require_admin(membership)
    member = _find_member(membership.conversation, username)
    if member.role == role:
        return member
    if member.is_owner or (role == Role.OWNER and not membership.is_owner):
        raise OwnerIsUntouchable
    if role == Role.OWNER:
        _set_role(membership, Role.ADMIN)
    _set_role(member, role)
    write_notice(
        membership.conversation,
        _NOTICE_OF_ROLE[role],
        actor=membership.user,
        subject=member.user.name,
    )
    return member


_NOTICE_OF_ROLE = {
    Role.OWNER: Notice.MADE_OWNER,
    Role.ADMIN: Notice.MADE_ADMIN,
    Role.MEMBER: Notice.MADE_MEMBER,
}


# --- what it is called, and how one keeps it -----------------------------------------------------


@transaction.atomic
def rename(*, membership: Membership, title: str) -> Conversation:
    membership = _lock_group(membership)
    require_admin(membership)
    conversation, title = membership.conversation, _good_title(title)
    if conversation.title == title:
        return conversation
    conversation.title = title
    conversation.save(update_fields=["title"])
    write_notice(conversation, Notice.RENAMED, actor=membership.user, subject=title)
    return conversation


@transaction.atomic
def change_settings(*, membership: Membership, **changes: datetime | bool | None) -> Membership:
    """One's own `muted_until`, `archived`, `pinned`; told to all one's devices."""
    for field, value in changes.items():
        setattr(membership, field, value)
    membership.save(update_fields=list(changes))
    events.membership_updated(membership)
    return membership


def save_draft(*, membership: Membership, text: str) -> Membership:
    """What one began to write, on all one's devices; nothing clears it."""
    text = text[:DRAFT_LENGTH].strip()
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
    """In the order given, once each; raises UnknownPeople naming whoever cannot be written to."""
    return _found(User.objects.reachable(), usernames)


def hold_people(usernames: Iterable[str]) -> list[User]:
    """The same, and until the commit none of them deletes their account.

    After the conversation, and in one order: two who add the same people do not wait crosswise.
    """
    return _found(User.objects.reachable().order_by("id").select_for_update(no_key=True), usernames)


def _found(people: QuerySet[User], usernames: Iterable[str]) -> list[User]:
    names = list(dict.fromkeys(canonical(username) for username in usernames))
    found = {user.username: user for user in people.filter(username__in=names)}
    if unknown := [name for name in names if name not in found]:
        raise UnknownPeople(
            _("Nobody here is called %(names)s.") % {"names": ", ".join(unknown)}, field="members"
        )
    return [found[name] for name in names]


def _good_title(title: str) -> str:
    title = title.strip()
    if not 1 <= len(title) <= TITLE_LENGTH or "\0" in title:
        raise BadTitle(field="title")
    return title


def _lock_group(membership: Membership) -> Membership:
    locked = lock_membership(membership)
    if locked.conversation.is_direct:
        raise NotAGroup
    return locked


def _find_member(conversation: Conversation, username: str) -> Membership:
    member = conversation.memberships.active().of_username(username).with_user().first()
    if member is None:
        raise NotFound
    member.conversation = conversation
    return member


def _enter(
    conversation: Conversation, people: list[User], *, role: Membership.Role = Role.MEMBER
) -> None:
    """From here on: what was said before is not theirs, and nobody's ticks fall back."""
    here = {
        "role": role,
        "joined_at": timezone.now(),
        "left_at": None,
        "since_seq": conversation.last_seq,
        "delivered_seq": conversation.last_seq,
        "read_seq": conversation.last_seq,
    }
    returning = Membership.objects.filter(conversation=conversation, user__in=people)
    returned = set(returning.values_list("user_id", flat=True))
    returning.update(**here, archived=False)
    Membership.objects.bulk_create(
        Membership(conversation=conversation, user=person, **here)
        for person in people
        if person.id not in returned
    )
    conversation.member_count += len(people)
    conversation.save(update_fields=["member_count"])


def _depart(member: Membership) -> None:
    member.left_at = timezone.now()
    member.save(update_fields=["left_at"])
    member.conversation.member_count -= 1
    member.conversation.save(update_fields=["member_count"])


def _after_departure(member: Membership) -> None:
    raise_watermarks(member.conversation)  # perhaps everybody was waiting for this one
    events.member_left(member)


def _pass_ownership(former: Membership) -> None:
    heir = former.conversation.memberships.active().by_rank().with_user().first()
    if heir is None:
        return
    _set_role(heir, Role.OWNER)
    write_notice(former.conversation, Notice.MADE_OWNER, actor=former.user, subject=heir.user.name)


def _set_role(member: Membership, role: Membership.Role) -> None:
    member.role = role
    member.save(update_fields=["role"])
