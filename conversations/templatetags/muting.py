"""Filters that tell whether a member has muted a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils import timezone

from conversations.models import FOREVER

if TYPE_CHECKING:
    from conversations.models import Membership

register = template.Library()


@register.filter
def is_muted(membership: Membership) -> bool:
    """Return whether the mute has not ended yet. It ends without a change of the row."""
    return membership.muted_until is not None and membership.muted_until > timezone.now()


@register.filter
def is_muted_forever(membership: Membership) -> bool:
    return membership.muted_until == FOREVER
