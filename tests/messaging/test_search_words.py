"""Words, whatever they are written in: what is found lies in the text, and every word is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from messaging.words import SHORTEST_BEGINNING, Kind, segments_of, spans_of, words_of

TEXTS = st.text(
    st.characters(exclude_categories=("Cs",))
    | st.sampled_from("aeißİıøéé\u0301\u0308שָׁمُـ手机かが\u3099한\u1112\u1161👍🏽\u200d☃\ufe0f '-_.")
)


@given(TEXTS)
def test_what_is_found_lies_in_the_text_in_order_and_apart(text):
    words = words_of(text)
    spans = spans_of(words, text)

    assert spans is not None
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= len(text) for edge in edges)


@given(TEXTS)
def test_a_text_is_found_by_each_of_its_words_and_their_beginnings(text):
    for word in words_of(text):
        assert spans_of([word], text)
        for size in range(SHORTEST_BEGINNING, len(word.text)):
            assert all(spans_of([part], text) for part in words_of(word.text[:size]))


@given(TEXTS)
def test_words_are_the_same_in_any_case_and_when_folded_again(text):
    words = [word.text for word in words_of(text)]

    assert [word.text for word in words_of(" ".join(words))] == words


@given(TEXTS, TEXTS)
def test_segments_are_the_whole_text(text, asked):
    spans = spans_of(words_of(asked), text) or []

    assert "".join(piece for piece, _is_found in segments_of(text, spans)) == text
    found = [piece for piece, is_found in segments_of(text, spans) if is_found]
    assert found == [text[start:end] for start, end in spans]


def test_a_mark_goes_with_the_letter_that_it_stands_on():
    text = "cafe\u0301 noir"

    assert spans_of(words_of("CAFÉ"), text) == [(0, 5)]


def test_an_emoji_is_a_word_of_its_own():
    assert [word.kind for word in words_of("hi👍手")] == [Kind.SPACED, Kind.SYMBOL, Kind.UNSPACED]


def test_the_sharp_s_is_found_whole_by_its_half():
    assert spans_of(words_of("stras"), "Straße") == [(0, 5)]
