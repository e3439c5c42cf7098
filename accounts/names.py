"""How usernames and emails are written down, so that two spellings are never two people."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

BIDI_CONTROLS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
USERNAME_PATTERN = r"^[a-z0-9_]{3,30}\Z"

validate_username = RegexValidator(
    USERNAME_PATTERN,
    _("Use 3 to 30 letters a–z, digits or underscores."),
    code="invalid_username",
)


def validate_display_name(name: str) -> None:
    """One visible line: nobody may be nameless, or turn the text around their name."""
    kinds = {unicodedata.category(character) for character in name}
    is_visible = any(kind[0] in "LNPS" for kind in kinds)
    has_controls = bool(kinds & {"Cc", "Cs", "Zl", "Zp"}) or bool(set(name) & BIDI_CONTROLS)
    if not is_visible or has_controls:
        raise ValidationError(_("Use a name that can be read, on one line."), code="invalid_name")


def canonical(name: str) -> str:
    """NFKC, case-folded, lower-case: “Ａlice”, “ALICE” and “alice” are one name."""
    # PostgreSQL cannot even be asked for a NUL; nobody is called what it becomes.
    readable = name.replace("\0", "\ufffd")
    # Folded Cherokee is upper-case, which the lower-case constraints refuse.
    return unicodedata.normalize("NFKC", readable).strip().casefold().lower()
