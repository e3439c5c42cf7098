"""Lines that the conversation itself writes into its history: stored as facts, told in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Notice(StrEnum):
    CREATED = "created"
    RENAMED = "renamed"
    ADDED = "added"
    REMOVED = "removed"
    LEFT = "left"
    MADE_ADMIN = "made_admin"
    MADE_MEMBER = "made_member"
    MADE_OWNER = "made_owner"


WORDS = {
    Notice.CREATED: _("%(actor)s created the group “%(subject)s”"),
    Notice.RENAMED: _("%(actor)s renamed the group to “%(subject)s”"),
    Notice.ADDED: _("%(actor)s added %(subject)s"),
    Notice.REMOVED: _("%(actor)s removed %(subject)s"),
    Notice.LEFT: _("%(actor)s left"),
    Notice.MADE_ADMIN: _("%(actor)s made %(subject)s an admin"),
    Notice.MADE_MEMBER: _("%(actor)s made %(subject)s a member"),
    Notice.MADE_OWNER: _("%(subject)s is now the owner"),
}


def notice_fact(notice: Notice, *, actor: str, subject: str = "") -> str:
    """What is stored; names as they were at the time."""
    return json.dumps({"notice": notice, "actor": actor, "subject": subject}, ensure_ascii=False)


@dataclass(frozen=True)
class Told:
    """What a notice tells, to be put into words."""

    notice: Notice
    actor: str
    subject: str

    def __str__(self) -> str:
        return str(WORDS[self.notice] % {"actor": self.actor, "subject": self.subject})


def told(fact: str) -> Told:
    """Raises ValueError for what is no notice."""
    try:
        words = json.loads(fact)
        return Told(Notice(words["notice"]), words["actor"], words["subject"])
    except (KeyError, TypeError) as error:
        raise ValueError(type(error).__name__) from None
