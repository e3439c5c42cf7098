"""System messages: lines that the application writes into a conversation's history.

They are stored as JSON that names what happened, and become sentences in the reader's language.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class SystemMessageKind(StrEnum):
    CREATED = "created"
    RENAMED = "renamed"
    ADDED = "added"
    REMOVED = "removed"
    LEFT = "left"
    MADE_ADMIN = "made_admin"
    MADE_MEMBER = "made_member"
    MADE_OWNER = "made_owner"


Kind = SystemMessageKind

TEXTS = {
    Kind.CREATED: _("%(actor)s created the group “%(subject)s”"),
    Kind.RENAMED: _("%(actor)s renamed the group to “%(subject)s”"),
    Kind.ADDED: _("%(actor)s added %(subject)s"),
    Kind.REMOVED: _("%(actor)s removed %(subject)s"),
    Kind.LEFT: _("%(actor)s left"),
    Kind.MADE_ADMIN: _("%(actor)s made %(subject)s an admin"),
    Kind.MADE_MEMBER: _("%(actor)s made %(subject)s a member"),
    Kind.MADE_OWNER: _("%(subject)s is now the owner"),
}

ADDED_MANY = "added_many"
MAX_NAMES = 5  # of added people; pages show the number of more than that
SHORT_TEXTS = {ADDED_MANY: _("%(actor)s added %(count)s people")}
OWN_TEXTS = {
    Kind.CREATED: _("You created the group “%(subject)s”"),
    Kind.RENAMED: _("You renamed the group to “%(subject)s”"),
    Kind.ADDED: _("You added %(subject)s"),
    Kind.REMOVED: _("You removed %(subject)s"),
    Kind.LEFT: _("You left"),
    Kind.MADE_ADMIN: _("You made %(subject)s an admin"),
    Kind.MADE_MEMBER: _("You made %(subject)s a member"),
    ADDED_MANY: _("You added %(count)s people"),
}


@dataclass(frozen=True)
class SystemMessage:
    """What a system message says. Names are those at the time it was written."""

    kind: SystemMessageKind
    actor: str
    subject: str = ""
    count: int = 1  # of the people that `subject` names

    @property
    def is_long(self) -> bool:
        """Whether a page shows the number of people and collapses their names."""
        return self.kind == Kind.ADDED and self.count > MAX_NAMES

    @property
    def text_name(self) -> str:
        """The key of the text that a page shows."""
        return ADDED_MANY if self.is_long else self.kind

    def __str__(self) -> str:
        return str(TEXTS[self.kind] % {"actor": self.actor, "subject": self.subject})

    def encoded(self) -> str:
        """Return the JSON that is stored as the message's text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def decoded(cls, text: str) -> SystemMessage:
        """Read stored JSON; raises ValueError for anything else."""
        try:
            fields = json.loads(text)
            kind = SystemMessageKind(fields["kind"])
            return cls(kind, fields["actor"], fields["subject"], fields["count"])
        except (KeyError, TypeError) as error:
            raise ValueError(type(error).__name__) from None
