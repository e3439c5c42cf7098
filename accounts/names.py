"""Rules for usernames, display names and email addresses, and the words of names for the search."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from chatflow.text.tokenizer import Kind, tokenize
from chatflow.text.visible import is_one_line, is_visible

SHORTEST_SEARCH = 2  # characters
LONGEST_SEARCH = 60
LONGEST_WORD = 32  # characters of a word that are indexed: a username has at most 30
USERNAME_PATTERN = r"^[a-z0-9_]{3,30}\Z"

validate_username = RegexValidator(
    USERNAME_PATTERN,
    _("Use 3 to 30 letters a–z, digits or underscores."),
    code="invalid_username",
)


def validate_display_name(name: str) -> None:
    """Raise ValidationError unless the name is one line of visible text.

    Bidirectional controls are refused because they would reorder the text around the name.
    """
    if not is_visible(name) or not is_one_line(name):
        raise ValidationError(_("A name must be one line of readable text."), code="invalid_name")


def validate_about(about: str) -> None:
    """Raise ValidationError unless the text is one line without control characters."""
    if not is_one_line(about):
        raise ValidationError(
            {"about": _("This must be one line of readable text.")}, code="invalid_about"
        )


def canonical(name: str) -> str:
    """Return the form in which names are compared: “Ａlice”, “ALICE” and “alice” are equal."""
    # PostgreSQL refuses NUL even in queries. No username contains its replacement.
    readable = name.replace("\0", "\ufffd")
    # Case folding makes Cherokee letters upper-case, which the database constraints refuse.
    return unicodedata.normalize("NFKC", readable).strip().casefold().lower()


def canonical_email(address: str) -> str:
    """Return the address in lower case, with an internationalised domain in its Unicode form.

    Case folding would change the domain (ß becomes ss), so mail would go to somebody else. In the
    local part only ASCII letters are lowered, since others are refused (see `is_ascii_mailbox`).
    """
    mailbox, at, domain = address.replace("\0", "\ufffd").strip().rpartition("@")
    labels = unicodedata.normalize("NFC", domain).split(".")  # one by one: a final Σ becomes ς
    return _ascii_lower(mailbox) + at + ".".join(_unicode_label(label.lower()) for label in labels)


def canonical_login(login: str) -> str:
    """Return the canonical form of a username or an email address."""
    return canonical_email(login) if "@" in login else canonical(login)


def is_ascii_mailbox(address: str) -> bool:
    return address.rpartition("@")[0].isascii()


def deliverable(address: str) -> str:
    """Return the address with its domain in ASCII, as mail servers expect it (`xn--…`).

    Django's own conversion follows IDNA 2003, which maps ß to ss: that is another domain.
    """
    mailbox, at, domain = address.rpartition("@")
    return mailbox + at + ".".join(map(_ascii_label, domain.split(".")))


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _ascii_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _unicode_label(label: str) -> str:
    """Return a label of a domain in Unicode, or unchanged if that does not convert back to it."""
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    is_canonical = (
        decoded.isprintable() and unicodedata.normalize("NFC", decoded).lower() == decoded
    )
    return decoded if is_canonical and _ascii_label(decoded) == label else label


def indexed_words(name: str) -> set[bytes]:
    """Return the words of a name as they are indexed.

    They are bytes, because both databases order bytes in the same way, unlike text. In scripts
    without spaces, each character begins a word.
    """
    starts = (
        word.text[start:]
        for word in tokenize(name)
        for start in range(len(word.text) if word.kind == Kind.UNSPACED else 1)
    )
    return {start[:LONGEST_WORD].encode() for start in starts}


def searched_words(text: str) -> list[str]:
    """Return the words to search users by, or an empty list if the text is too short or too long.

    A single letter is only searched for together with a longer word.
    """
    words = tokenize(text) if len(text) <= LONGEST_SEARCH else []
    is_enough = any(word.kind != Kind.SPACED or len(word.text) >= SHORTEST_SEARCH for word in words)
    return list({word.text for word in words}) if is_enough else []
