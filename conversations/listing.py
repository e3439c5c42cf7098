"""Load the conversation list and single conversations, for the API, the pages and the socket."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Count, DateTimeField, UUIDField
from django.utils import timezone

from accounts.models import User
from accounts.presence import Presence, seen_by
from chatflow.api.cursors import DEFAULT_PAGE_SIZE, BadCursor, packed, unpacked
from chatflow.db.prepared import ListOf, PreparedQuery, PreparedRows
from conversations.access import find_membership
from conversations.models import Membership
from conversations.querysets import SYNC_COLUMNS, MembershipQuerySet
from messaging.history import attach_last_messages

SIDEBAR_PAGE_SIZE = 30  # rows; more than a tall screen shows
TINTS = 8
MAX_RECENT_PEOPLE = 20


_participants = PreparedQuery(
    lambda conversation_ids: Membership.objects.filter(
        conversation__in=conversation_ids
    ).with_user(),
    conversation_ids=ListOf(UUIDField()),
)
_first_members = PreparedRows(
    lambda conversation_id: (
        Membership.objects.in_conversation(conversation_id)
        .order_by("id")
        .values_list("user_id")[:TINTS]
    ),
    conversation_id=UUIDField(),
)
_unread_chats = PreparedRows(
    lambda user_id, now: (
        Membership.objects.active()
        .listed()
        .filter(user=user_id)
        .needing_attention(now)
        .values("user")
        .values_list(Count("id"))
    ),
    user_id=UUIDField(),
    now=DateTimeField(),
)
_sync_states = PreparedRows(
    lambda user_id: Membership.objects.active().filter(user=user_id).sync_states(),
    user_id=UUIDField(),
)


@dataclass(frozen=True)
class ListPage:
    memberships: list[Membership]
    next: str | None


@dataclass(frozen=True)
class Sidebar:
    """The list beside an open page: pinned conversations come first, archived ones are separate."""

    memberships: list[Membership]
    next: str | None
    archived: ListPage
    unread_chats: int


def list_conversations(user: User, *, cursor: str = "", limit: int = DEFAULT_PAGE_SIZE) -> ListPage:
    """Return a page of the user's conversations with their last messages, newest activity first.

    The number of queries does not depend on the length of the list.
    """
    return _displayed(_page(user, MembershipQuerySet.all, cursor, limit))


def list_sidebar(user: User, *, cursor: str = "") -> Sidebar:
    """Return the sidebar. After a cursor, it has neither pinned nor archived conversations."""
    rest = _page(user, MembershipQuerySet.unpinned, cursor, SIDEBAR_PAGE_SIZE)
    pinned, archived = [], ListPage([], None)
    if not cursor:
        pinned = _memberships(MembershipQuerySet.pinned).all(user_id=user.id)
        archived = _page(user, MembershipQuerySet.archived, "", SIDEBAR_PAGE_SIZE)
    _complete([*pinned, *rest.memberships, *archived.memberships])
    return Sidebar(pinned + rest.memberships, rest.next, archived, count_unread_chats(user))


def list_archived(user: User, *, cursor: str) -> ListPage:
    """Return the archived conversations that follow those of the sidebar."""
    return _displayed(_page(user, MembershipQuerySet.archived, cursor, SIDEBAR_PAGE_SIZE))


def show_conversation(user: User, conversation_id: uuid.UUID) -> Membership:
    """Return the user's membership with everything that is displayed of its conversation."""
    membership = find_membership(user, conversation_id)
    return attach_last_messages([membership])[0]


def sync_states(user: User) -> list[dict[str, Any]]:
    """Return SYNC_COLUMNS of each conversation of the user."""
    rows = _sync_states.all(user_id=user.id)
    return [dict(zip(SYNC_COLUMNS, row, strict=True)) for row in rows]


def members_of(membership: Membership) -> MembershipQuerySet:
    """Return the conversation's members by rank, with their users."""
    return membership.conversation.memberships.active().by_rank().with_user()


def list_members(
    membership: Membership, *, cursor: str = "", limit: int = DEFAULT_PAGE_SIZE
) -> ListPage:
    """Return a page of the conversation's members by rank."""
    members = members_of(membership)
    if cursor:
        joined_at, conversation_id, numbers = unpacked(cursor)
        if conversation_id != membership.conversation_id or len(numbers) != 2:
            raise BadCursor
        rank, id_ = numbers
        members = members.ranked_below(rank, joined_at, id_)
    found = list(members[: limit + 1])
    page = found[:limit]
    return ListPage(page, _member_cursor(page[-1]) if len(found) > limit else None)


def _member_cursor(member: Membership) -> str:
    rank: int = member.rank  # type: ignore[attr-defined]
    return packed(member.joined_at, member.conversation_id, rank, member.id)


def presence_among(user: User, members: list[Membership]) -> dict[uuid.UUID, Presence]:
    """Return the presence of these members as far as the user, who is one of them, may see it."""
    people = [member.user for member in members]
    return seen_by(user, people, contacts={person.id for person in people})


def tint_order(membership: Membership) -> list[uuid.UUID]:
    """Return the first members of a group, whose names are displayed in colours of their own.

    Former members are included, so that nobody's colour changes when somebody leaves.
    """
    if membership.conversation.is_direct:
        return []
    rows = _first_members.all(conversation_id=membership.conversation_id)
    return [user_id for (user_id,) in rows]


def recent_people(user: User) -> list[User]:
    """Return the people of the user's direct chats, the most recently active chat first.

    People whom the user has blocked and accounts that cannot be written to are left out.
    """
    chats = Membership.objects.active().listed().of(user).in_direct_chats()
    others = Membership.objects.filter(conversation__in=chats.values("conversation")).exclude(
        user=user
    )
    reachable = others.of_reachable().exclude(user__blocked_by__blocker=user).with_user()
    return [other.user for other in reachable.newest_activity_first()[:MAX_RECENT_PEOPLE]]


def count_unread_chats(user: User) -> int:
    """Count the unread conversations that are neither archived nor muted."""
    rows = _unread_chats.all(user_id=user.id, now=timezone.now())
    return rows[0][0] if rows else 0


Part = Callable[[MembershipQuerySet], MembershipQuerySet]  # of a user's conversations


def _page(user: User, part: Part, cursor: str, limit: int) -> ListPage:
    position: dict[str, Any] = {}
    if cursor:
        active_at, conversation_id, numbers = unpacked(cursor)
        if numbers:
            raise BadCursor
        position = {"active_at": active_at, "conversation_id": conversation_id}
    query = _memberships(part, limit + 1, after_cursor=bool(cursor))
    found = query.all(user_id=user.id, **position)
    page = found[:limit]
    return ListPage(page, _cursor(page[-1]) if len(found) > limit else None)


@cache
def _memberships(
    part: Part, limit: int | None = None, *, after_cursor: bool = False
) -> PreparedQuery[Membership]:
    """Return the query for a user's conversations, newest activity first."""

    def build(user_id: Any, **position: Any) -> MembershipQuerySet:
        own = Membership.objects.active().listed().filter(user=user_id).with_conversation()
        following = part(own).less_active_than(**position) if position else part(own)
        return following.newest_activity_first()[:limit]

    if not after_cursor:
        return PreparedQuery(build, user_id=UUIDField())
    return PreparedQuery(
        build, user_id=UUIDField(), active_at=DateTimeField(), conversation_id=UUIDField()
    )


def _displayed(page: ListPage) -> ListPage:
    _complete(page.memberships)
    return page


def _complete(memberships: list[Membership]) -> None:
    """Load what is displayed with these memberships, whose conversations are loaded."""
    attach_participants(memberships)
    attach_last_messages(memberships)


def attach_participants(memberships: Iterable[Membership]) -> None:
    """Set the `participants` of direct chats, with one query for all of them."""
    conversations = (membership.conversation for membership in memberships)
    chats = {chat.id: chat for chat in conversations if chat.is_direct}
    for chat in chats.values():
        chat.participants = []
    for participant in _participants.all(conversation_ids=chats.keys()):
        chats[participant.conversation_id].participants.append(participant)


def _cursor(membership: Membership) -> str:
    return packed(membership.conversation.active_at, membership.conversation_id)
