"""Canonical usernames, and the database constraints that keep them unique."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import User
from accounts.names import canonical, validate_username


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Alice", "alice"),
        ("  alice\n", "alice"),
        ("ＡＬＩＣＥ", "alice"),
        ("ⓐⓛⓘⓒⓔ", "alice"),
        ("ﬁnn", "finn"),
        ("Straße", "strasse"),
        ("Kelvin", "kelvin"),
        ("Ꭰlice", "ꭰlice"),
        ("ali\0ce", "ali\ufffdce"),
    ],
)
def test_spellings_of_one_name_have_one_canonical_form(name, written):
    assert canonical(name) == written
    assert canonical(written) == written


@pytest.mark.parametrize("name", ["аlice", "alιce", "alice\u200b", "a\u0301lice"])
def test_lookalike_usernames_are_refused(name):
    assert canonical(name) != "alice"
    with pytest.raises(ValidationError):
        validate_username(canonical(name))


@pytest.mark.parametrize("name", ["abc", "a" * 30, "007", "___", "a_1"])
def test_valid_usernames(name):
    validate_username(name)


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 31, "Alice", "alice\n", "a-b", "deleted-1", "٣٣٣"]
)
def test_invalid_usernames(name):
    with pytest.raises(ValidationError):
        validate_username(name)


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "Alice", "email": "x@example.org"},
        {"username": "x", "email": "Alice@example.org"},
        {"username": "alice", "email": "x@example.org"},
        {"username": "x", "email": "alice@example.org"},
    ],
)
def test_database_refuses_a_second_spelling_of_a_name(alice, fields):
    with pytest.raises(IntegrityError):
        User.objects.create(**fields)


def test_canonical_names_satisfy_the_lower_case_constraint(db):
    letters = [chr(code) for code in range(0x110000) if chr(code).casefold() != chr(code)]

    User.objects.bulk_create(
        User(username=f"p{number}", email=f"{number}@{canonical(letter)}")
        for number, letter in enumerate(letters)
    )

    assert User.objects.count() == len(letters) > 1000
