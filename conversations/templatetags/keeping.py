"""How a member keeps a conversation, as the templates ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils import timezone

from conversations.forms import FOR_EVER

if TYPE_CHECKING:
    from conversations.models import Membership

register = template.Library()


@register.filter
def is_muted(membership: Membership) -> bool:
    """Muting ends by itself; nobody writes it down."""
    return membership.muted_until is not None and membership.muted_until > timezone.now()


@register.filter
def is_muted_for_ever(membership: Membership) -> bool:
    return membership.muted_until == FOR_EVER
