"""The index that the search asks: which messages have words that begin alike, and nothing readable.

A leaf has 256 messages in a row: of each stem (the first three characters of a word) that is said
there it has a row, which lists who says it, and by five masked bytes how the word goes on. They
narrow down; the decrypted text decides. A branch has 256 leaves in a row: of each stem, and of each
stem with two more characters, a row lists the leaves where it is said. So what was never said is
known from a conversation's few branches, and the commonest word from its last leaves. The first
leaf has no branch: most conversations have no other.

Services write here, in the transaction and under the lock that changes the message itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from django.db import connection

from conversations.encryption import CannotBeRead
from conversations.models import Conversation
from messaging.ink import Ink, Row, places_in, without
from messaging.models import IndexRow, Message
from messaging.stems import Stem, beginnings_of, stems_in

SPAN = 256  # messages of a leaf, leaves of a branch: a place among them is one byte

Postings = dict[int, bytes]  # of rows, by their keys


def add(message: Message, text: str) -> None:
    """When it is sent."""
    leaf, place = divmod(message.seq - 1, SPAN)
    stems = stems_in(text, sender_id=message.sender_id)
    ink = Ink(message.conversation)
    _append(_leaf_rows(ink, leaf, {place: stems}) | _branch_rows(ink, leaf, stems))


def replace(message: Message, text: str, *, by: str) -> None:
    """When its text is another one, or none any more."""
    try:
        ink = Ink(message.conversation)
    except CannotBeRead:
        return  # nobody finds anything there
    leaf, place = divmod(message.seq - 1, SPAN)
    old, new = (stems_in(each, sender_id=message.sender_id) for each in (text, by))
    changed = old ^ new
    touched = {stem.text: stem for stem in changed}
    fresh = _leaf_rows(ink, leaf, {place: {stem for stem in new if stem.text in touched}})
    stored = postings_of(_rows_of(ink, leaf, changed))
    rows: Postings = {}
    for stem in touched.values():
        row = ink.leaf(leaf, stem)
        rows[row.key] = without(stored.get(row.key, b""), stem, place) + fresh.get(row.key, b"")
    _put(rows | _corrected_branches(ink, leaf, changed, rows, stored))


def _corrected_branches(
    ink: Ink, leaf: int, stems: Iterable[Stem], leaf_rows: Postings, stored: Postings
) -> Postings:
    """The leaf stays in a branch for as long as any of its messages has such a beginning."""
    if not leaf:
        return {}
    branch, place = divmod(leaf, SPAN)
    rows: Postings = {}
    for beginning in {each for stem in stems for each in beginnings_of(stem)}:
        row = ink.leaf(leaf, beginning)
        key = ink.branch(branch, beginning).key
        is_said = places_in(leaf_rows[row.key], beginning, ink.tail(beginning), row.mask)
        others = stored.get(key, b"").replace(bytes([place]), b"")
        rows[key] = others + bytes([place]) if is_said else others
    return rows


def put_leaf(conversation: Conversation, leaf: int, said: Mapping[int, set[Stem]]) -> None:
    """All that is said in a leaf, by place, whatever the index had of it."""
    ink = Ink(conversation)
    _put(_leaf_rows(ink, leaf, said))
    _append(_branch_rows(ink, leaf, {stem for stems in said.values() for stem in stems}))


def postings_of(rows: Iterable[Row]) -> Postings:
    """Of those rows that exist."""
    keys = list({row.key for row in rows})
    if not keys:
        return {}
    found = IndexRow.objects.filter(key__in=keys).values_list("key", "postings")
    return {key: bytes(postings) for key, postings in found}


def _leaf_rows(ink: Ink, leaf: int, said: Mapping[int, set[Stem]]) -> Postings:
    rows: Postings = defaultdict(bytes)
    for place, stems in said.items():
        for stem in stems:
            row = ink.leaf(leaf, stem)
            rows[row.key] += ink.posting(stem, place, row.mask)
    return rows


def _branch_rows(ink: Ink, leaf: int, stems: Iterable[Stem]) -> Postings:
    if not leaf:
        return {}
    branch, place = divmod(leaf, SPAN)
    beginnings = (each for stem in stems for each in beginnings_of(stem))
    return {ink.branch(branch, beginning).key: bytes([place]) for beginning in beginnings}


def _rows_of(ink: Ink, leaf: int, stems: Iterable[Stem]) -> Iterator[Row]:
    for stem in stems:
        yield ink.leaf(leaf, stem)
        for beginning in beginnings_of(stem) if leaf else ():
            yield ink.branch(leaf // SPAN, beginning)


def _put(rows: Postings) -> None:
    IndexRow.objects.filter(
        key__in=[key for key, postings in rows.items() if not postings]
    ).delete()
    IndexRow.objects.bulk_create(
        [IndexRow(key=key, postings=postings) for key, postings in rows.items() if postings],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["postings"],
    )


# The project's only SQL by hand: Django's upsert can replace what is there, not extend it. What a
# row ends with already is not said again, so a branch has a leaf once, however often it is told.
APPEND = """
    INSERT INTO {table} (key, postings) VALUES {values} ON CONFLICT (key) DO UPDATE
    SET postings = CAST({table}.postings || excluded.postings AS {type})
    WHERE substr({table}.postings, length({table}.postings), 1) <> excluded.postings
"""


def _append(rows: Postings) -> None:
    if not rows:
        return
    meta = IndexRow._meta
    sql = APPEND.format(
        table=connection.ops.quote_name(meta.db_table),
        values=", ".join(["(%s, %s)"] * len(rows)),
        type=meta.get_field("postings").db_type(connection),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in rows.items() for value in row])
