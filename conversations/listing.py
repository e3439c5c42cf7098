"""The conversation list and one conversation, ready to be shown by API, page and socket."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from accounts.models import User
from accounts.presence import Presence, seen_by
from chatflow.cursors import BadCursor, packed, unpacked
from conversations.access import find_membership
from conversations.models import Membership
from conversations.querysets import MembershipQuerySet
from messaging.history import attach_last_messages

PAGE = 50
ROWS = 30  # at once in a page's list: more than a tall screen shows
LONGEST_PAGE = 100
MOST_ARCHIVED = 200


@dataclass(frozen=True)
class ListPage:
    memberships: list[Membership]
    next: str | None


@dataclass(frozen=True)
class Sidebar:
    """A page's list: pinned conversations come first, archived ones stand apart."""

    memberships: list[Membership]
    archived: list[Membership]
    next: str | None


def list_conversations(user: User, *, cursor: str = "", limit: int = PAGE) -> ListPage:
    """Newest activity first, with last message, in a fixed number of queries."""
    memberships = Membership.objects.active().of(user).for_display().newest_activity_first()
    if cursor:
        memberships = _after(memberships, cursor)
    found = list(memberships[: limit + 1])
    listed = attach_last_messages(found[:limit])
    return ListPage(listed, _cursor(listed[-1]) if len(found) > limit else None)


def list_sidebar(user: User, *, cursor: str = "") -> Sidebar:
    """In a fixed number of queries; what comes after a cursor is neither pinned nor archived."""
    kept = Membership.objects.active().of(user).for_display().newest_activity_first()
    rest = _after(kept.unpinned(), cursor) if cursor else kept.unpinned()
    found = list(rest[: ROWS + 1])
    pinned = [] if cursor else list(kept.pinned())
    archived = [] if cursor else list(kept.archived()[:MOST_ARCHIVED])
    attach_last_messages([*pinned, *found[:ROWS], *archived])
    following = _cursor(found[ROWS - 1]) if len(found) > ROWS else None
    return Sidebar(pinned + found[:ROWS], archived, following)


def show_conversation(user: User, conversation_id: uuid.UUID) -> Membership:
    """The asker's membership with all that a list row or the API tells about it."""
    membership = find_membership(user, conversation_id)
    return attach_last_messages([membership])[0]


def list_members(membership: Membership) -> list[Membership]:
    return list(members_of(membership))


def presence_among(user: User, members: list[Membership]) -> dict[uuid.UUID, Presence]:
    """What one of them may know of the others; one look at the marks for all."""
    people = [member.user for member in members]
    return seen_by(user, people, contacts={person.id for person in people})


def members_of(membership: Membership) -> MembershipQuerySet:
    """By rank, for whoever shows them in pages."""
    return membership.conversation.memberships.active().by_rank().with_user()


def _cursor(membership: Membership) -> str:
    return packed(membership.conversation.active_at, membership.conversation_id)


def _after(memberships: MembershipQuerySet, cursor: str) -> MembershipQuerySet:
    active_at, conversation_id, numbers = unpacked(cursor)
    if numbers:
        raise BadCursor
    return memberships.less_active_than(active_at, conversation_id)
