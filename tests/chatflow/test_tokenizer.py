"""The tokenizer: how texts are split into words, and which words match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatflow.text.emoji import SKIN_TONES, offered_emoji
from chatflow.text.tokenizer import PREFIX_LENGTH, Kind, find_matches, split_at_spans, tokenize

TEXTS = st.text(
    st.characters(exclude_categories=("Cs",))
    | st.sampled_from(
        "aeißİıøéé\u0301\u0308שָׁمُـ手机かが\u3099한\u1112\u1161👍🏽🇩🇪1\u20e3\u200b\u200d☃\ufe0f '-_."
    )
)


@given(TEXTS)
def test_matches_are_within_the_text_and_do_not_overlap(text):
    words = tokenize(text)
    spans = find_matches(words, text)

    assert spans is not None
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= len(text) for edge in edges)


@given(TEXTS)
def test_text_matches_its_words_and_their_prefixes(text):
    for word in tokenize(text):
        assert find_matches([word], text)
        if word.kind == Kind.SYMBOL:
            continue
        for size in range(PREFIX_LENGTH, len(word.text)):
            assert all(find_matches([part], text) for part in tokenize(word.text[:size]))


@given(TEXTS)
def test_folding_is_idempotent(text):
    words = [word.text for word in tokenize(text)]

    assert [word.text for word in tokenize(" ".join(words))] == words


@given(TEXTS, TEXTS)
def test_pieces_add_up_to_the_text(text, asked):
    spans = find_matches(tokenize(asked), text) or []

    assert "".join(piece for piece, _is_found in split_at_spans(text, spans)) == text
    found = [piece for piece, is_found in split_at_spans(text, spans) if is_found]
    assert found == [text[start:end] for start, end in spans]


def test_match_includes_combining_marks():
    text = "cafe\u0301 noir"

    assert find_matches(tokenize("CAFÉ"), text) == [(0, 5)]


def test_emoji_is_a_word():
    assert [word.kind for word in tokenize("hi👍手")] == [Kind.SPACED, Kind.SYMBOL, Kind.UNSPACED]


def test_half_of_a_sharp_s_matches_all_of_it():
    assert find_matches(tokenize("stras"), "Straße") == [(0, 5)]


def test_every_emoji_of_the_picker_can_be_found():
    offered = [*offered_emoji(), *offered_emoji().values(), *SKIN_TONES]
    unfound = [emoji for emoji in offered if not find_matches(tokenize(emoji), f"so {emoji}!")]

    assert unfound == []


@pytest.mark.parametrize(
    "emoji", ["🩷", "🫨", "‼️", "↔", "ℹ️", "🇩🇪", "1️⃣", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_variation_selector_does_not_change_an_emoji(emoji):
    [word] = tokenize(emoji)

    assert word.kind == Kind.SYMBOL
    assert word.text == tokenize(emoji.replace("\ufe0f", ""))[0].text


@pytest.mark.parametrize(
    ("wanted", "text"),
    [("🇩🇪", "🇩🇰🇪🇸"), ("🇩🇪", "🇸🇩🇪🇸"), ("1️⃣", "room 1"), ("1", "1️⃣"), ("ℹ️", "I see"), ("❤️", "♥️")],
)
def test_emoji_does_not_match_parts_of_others(wanted, text):
    assert find_matches(tokenize(wanted), text) is None


def test_zero_width_space_separates_words():
    assert find_matches(tokenize("world"), "hello\u200bworld") == [(6, 11)]
    assert find_matches(tokenize("helloworld"), "hello\u200bworld") is None


@pytest.mark.parametrize("joiner", ["\u00ad", "\u200c", "\u200d", "\u2060", "\ufeff"])
def test_soft_hyphens_and_joiners_do_not_separate_words(joiner):
    assert find_matches(tokenize("helloworld"), f"hello{joiner}world") == [(0, 11)]


def test_zero_width_space_does_not_separate_unspaced_characters():
    assert find_matches(tokenize("ខ្មែរក្រោម"), "ខ្មែរ\u200bក្រោម")
