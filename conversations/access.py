"""Find and lock conversations through the current user's membership.

Every interface and service uses these functions. A conversation that a user is not a member of and
one that does not exist raise the same NotFound, so nobody learns which conversations exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import BigIntegerField, UUIDField

from accounts.models import Block, User
from chatflow.db.prepared import PreparedQuery
from chatflow.errors import Forbidden, NotFound
from conversations.models import Conversation, Membership

_membership_of = PreparedQuery(
    lambda user_id, conversation_id: (
        Membership.objects.active()
        .filter(user=user_id)
        .in_conversation(conversation_id)
        .with_conversation()
    ),
    user_id=UUIDField(),
    conversation_id=UUIDField(),
)
_locked_conversation = PreparedQuery(
    lambda conversation_id: Conversation.objects.locked().filter(id=conversation_id),
    conversation_id=UUIDField(),
)
_reachable_membership = PreparedQuery(
    lambda membership_id: Membership.objects.active().of_reachable().filter(id=membership_id),
    membership_id=BigIntegerField(),
)


def find_membership(user: User, conversation_id: uuid.UUID) -> Membership:
    """Return the user's membership with its conversation; raises NotFound."""
    membership = _membership_of.first(user_id=user.id, conversation_id=conversation_id)
    if membership is None:
        raise NotFound
    membership.user = user
    return membership


def lock_membership(membership: Membership) -> Membership:
    """Lock the conversation and return the membership as it is now.

    Raises NotFound if the membership has ended or the account was suspended or deleted. It takes
    two queries: a single one with a join would return the membership as it was before the lock
    was granted.
    """
    conversation = _locked_conversation.first(conversation_id=membership.conversation_id)
    locked = _reachable_membership.first(membership_id=membership.id)
    if conversation is None or locked is None:
        raise NotFound
    locked.conversation, locked.user = conversation, membership.user
    return locked


def lock_own_settings(membership: Membership) -> Membership:
    """Lock only the membership and return it as it is now, for the member's own settings.

    Nobody who writes to the conversation has to wait. Raises NotFound like `lock_membership`.
    """
    memberships = Membership.objects.active().filter(id=membership.id)
    memberships.select_for_update(no_key=True).first()
    try:
        locked = memberships.of_reachable().get()
    except Membership.DoesNotExist:
        raise NotFound from None
    locked.conversation, locked.user = membership.conversation, membership.user
    return locked


def blockers_in(conversation: Conversation) -> dict[uuid.UUID, uuid.UUID]:
    """Return {blocked user: blocker} for a direct chat. Blocks have no effect in groups."""
    if not conversation.is_direct:
        return {}
    blocks = Block.objects.filter(
        blocked__memberships__conversation=conversation,
        blocker__memberships__conversation=conversation,
    )
    return dict(blocks.values_list("blocked", "blocker"))


def has_blocked_counterpart(membership: Membership) -> bool:
    """Return whether the member has blocked the other person of a direct chat."""
    return membership.user_id in blockers_in(membership.conversation).values()


def require_admin(membership: Membership) -> None:
    if membership.conversation.is_direct or not membership.is_admin:
        raise Forbidden


def contacts_among(user: User, people: Iterable[User]) -> list[User]:
    """Return those of these people who share a conversation with the user."""
    own = Membership.objects.active().of(user).values("conversation")
    shared = Membership.objects.active().filter(conversation__in=own, user__in=people)
    contacts = set(shared.values_list("user", flat=True))
    return [person for person in people if person.id in contacts]
