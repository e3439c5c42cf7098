"""How every door and every service gets at a conversation: through the asker's membership.

Whoever is not a member learns nothing, so a stranger's conversation and one that does not exist
are the same NotFound.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from accounts.models import Block, User
from chatflow.errors import Forbidden, NotFound
from conversations.models import Conversation, Membership


def find_membership(user: User, conversation_id: uuid.UUID) -> Membership:
    """The right to see and to speak; every act begins with it, so it asks for no more than that."""
    memberships = Membership.objects.active().of(user).in_conversation(conversation_id)
    try:
        membership = memberships.with_conversation().get()
    except Membership.DoesNotExist:
        raise NotFound from None
    membership.user = user
    return membership


def lock_membership(membership: Membership) -> Membership:
    """The membership read anew under its conversation's lock; NotFound when it ended meanwhile.

    Two queries on purpose: one that locks the conversation while joining the membership would
    answer the membership as it was before the wait.
    """
    conversation = Conversation.objects.locked().get(id=membership.conversation_id)
    try:
        locked = Membership.objects.active().get(id=membership.id)
    except Membership.DoesNotExist:
        raise NotFound from None
    locked.conversation, locked.user = conversation, membership.user
    return locked


def blockers_in(conversation: Conversation) -> dict[uuid.UUID, uuid.UUID]:
    """Who is blocked by whom in a direct chat; in a group, blocks keep nothing from anybody."""
    if not conversation.is_direct:
        return {}
    between_them = Block.objects.filter(
        blocked__memberships__conversation=conversation,
        blocker__memberships__conversation=conversation,
    )
    return dict(between_them.values_list("blocked", "blocker"))


def require_admin(membership: Membership) -> None:
    if membership.conversation.is_direct or not membership.is_admin:
        raise Forbidden


def contacts_among(user: User, people: Iterable[User]) -> list[User]:
    """Those of these people that share a conversation with the user."""
    own = Membership.objects.active().of(user).values("conversation")
    shared = Membership.objects.active().filter(conversation__in=own, user__in=people)
    contacts = set(shared.values_list("user", flat=True))
    return [person for person in people if person.id in contacts]
