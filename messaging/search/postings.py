"""The search index: encrypted posting lists that name the messages which may contain a word.

1. The tokenizer (`chatflow.text.tokenizer`) splits a message into words.
2. The index knows a word by its prefix, the first three characters, and its tail, the next five.
3. 256 consecutive messages of a conversation are a segment, and 256 segments are a superblock.
4. For each prefix in a segment, a posting list has one posting for each message that contains it.
5. A posting is the message's position in the segment and a one-byte hash per tail character.
6. For each prefix in a superblock, a posting list has the segments in which the prefix occurs.
7. The superblock has another such list for the prefix with two more characters.
8. The keys of lists and the tails are hashed with a key of the conversation (`blind_index.py`).
9. A search intersects the lists of its words: first those of superblocks, then of segments.
10. The results are sequence numbers of candidates, which are decrypted and compared.

If message 515, "garden", and message 520, "garlic", are in segment 2, the index has, unhashed:

    superblock 0   "gar" → 2             "garde" → 2          "garli" → 2
    segment 2      "gar" → 2 "den"       "gar" → 7 "lic"      (515 = 2 × 256 + 2 + 1)

A search for "garden" finds segment 2 in both of its superblock lists, then position 2 in the
segment's list. The first segment is in no superblock list, since most conversations have no other.

Without this index, a search would decrypt the whole history, which takes seconds. It could be
replaced by PostgreSQL's full-text search if texts were stored unencrypted, or by decrypting only
the last few thousand messages of each conversation.

Services call `add` and `replace` in the transaction that changes the message, under its lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from django.db import connection

from conversations.encryption.envelope import CannotBeRead
from conversations.models import Conversation
from messaging.models import Message, PostingList
from messaging.search.blind_index import BlindIndexKey, without_position
from messaging.search.prefixes import Prefix, prefixes_in, superblock_prefixes

FAN_OUT = 256  # messages in a segment and segments in a superblock, so that a position is a byte

PostingLists = dict[int, bytes]  # by the key of their row


def add(message: Message, text: str) -> None:
    """Index a new message."""
    segment, position = divmod(message.seq - 1, FAN_OUT)
    prefixes = prefixes_in(text, sender_id=message.sender_id)
    index_key = BlindIndexKey(message.conversation)
    append_postings(
        _segment_lists(index_key, segment, {position: prefixes})
        | _superblock_lists(index_key, segment, prefixes)
    )


def replace(message: Message, text: str, *, by: str) -> None:
    """Index a message whose text has changed, or was deleted if `by` is empty."""
    try:
        index_key = BlindIndexKey(message.conversation)
    except CannotBeRead:
        return  # Without the key, nobody can search this conversation.
    segment, position = divmod(message.seq - 1, FAN_OUT)
    old, new = (prefixes_in(each, sender_id=message.sender_id) for each in (text, by))
    lists = _replaced_segment_lists(index_key, segment, position, old=old, new=new)
    _overwrite(lists | _updated_superblock_lists(index_key, segment, old ^ new, lists))


def put_segment(
    conversation: Conversation, segment: int, prefixes_by_position: Mapping[int, set[Prefix]]
) -> None:
    """Index all messages of a segment, and replace what the index already has of it."""
    index_key = BlindIndexKey(conversation)
    _overwrite(_segment_lists(index_key, segment, prefixes_by_position))
    append_postings(
        _superblock_lists(index_key, segment, set(chain(*prefixes_by_position.values())))
    )


def read_lists(keys: Iterable[int]) -> PostingLists:
    """Return the posting lists that exist."""
    if not (unique := set(keys)):
        return {}
    stored = PostingList.objects.filter(key__in=unique).values_list("key", "postings")
    return {key: bytes(postings) for key, postings in stored}


def _replaced_segment_lists(
    index_key: BlindIndexKey, segment: int, position: int, *, old: set[Prefix], new: set[Prefix]
) -> PostingLists:
    """Return the lists of a segment that a new text of the message at this position changes."""
    changed = {prefix.text: prefix for prefix in old ^ new}  # one prefix for each list
    keys = {index_key.segment_key(segment, prefix): prefix for prefix in changed.values()}
    stored = read_lists(keys)
    relisted = {prefix for prefix in new if prefix.text in changed}
    added = _segment_lists(index_key, segment, {position: relisted})
    return {
        key: without_position(stored.get(key, b""), prefix, position) + added.get(key, b"")
        for key, prefix in keys.items()
    }


def _updated_superblock_lists(
    index_key: BlindIndexKey, segment: int, changed: set[Prefix], segment_lists: PostingLists
) -> PostingLists:
    """Return the superblock's changed lists, with the segment if one of its messages matches."""
    new_lists = _superblock_lists(index_key, segment, changed)
    stored = read_lists(new_lists)
    for prefix in superblock_prefixes(changed) if segment else ():
        key = index_key.superblock_key(segment // FAN_OUT, prefix)
        segment_list = segment_lists[index_key.segment_key(segment, prefix)]
        is_used = index_key.positions(segment, prefix, segment_list)
        others = stored.get(key, b"").replace(new_lists[key], b"")
        new_lists[key] = others + new_lists[key] if is_used else others
    return new_lists


def _segment_lists(
    index_key: BlindIndexKey, segment: int, prefixes_by_position: Mapping[int, set[Prefix]]
) -> PostingLists:
    lists: PostingLists = defaultdict(bytes)
    for position, prefixes in prefixes_by_position.items():
        for prefix in prefixes:
            key = index_key.segment_key(segment, prefix)
            lists[key] += index_key.posting(segment, prefix, position)
    return lists


def _superblock_lists(
    index_key: BlindIndexKey, segment: int, prefixes: set[Prefix]
) -> PostingLists:
    if not segment:
        return {}
    superblock, position = divmod(segment, FAN_OUT)
    return {
        index_key.superblock_key(superblock, prefix): bytes([position])
        for prefix in superblock_prefixes(prefixes)
    }


def _overwrite(lists: PostingLists) -> None:
    """Store these lists as they are, and delete the rows of empty ones."""
    PostingList.objects.filter(key__in=[key for key in lists if not lists[key]]).delete()
    PostingList.objects.bulk_create(
        [PostingList(key=key, postings=postings) for key, postings in lists.items() if postings],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["postings"],
    )


# Django's upsert can only replace a value, so this appends with SQL. A list that already ends with
# the new postings stays as it is: a superblock lists a segment once for all of its messages.
APPEND = """
    INSERT INTO {table} (key, postings) VALUES {values} ON CONFLICT (key) DO UPDATE
    SET postings = CAST({table}.postings || excluded.postings AS {type})
    WHERE substr({table}.postings, length({table}.postings), 1) <> excluded.postings
"""


def append_postings(lists: PostingLists) -> None:
    """Append to the stored lists, or create them."""
    if not lists:
        return
    meta = PostingList._meta
    sql = APPEND.format(
        table=connection.ops.quote_name(meta.db_table),
        values=", ".join(["(%s, %s)"] * len(lists)),
        type=meta.get_field("postings").db_type(connection),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for item in lists.items() for value in item])
