"""Random messages whose word frequencies follow Zipf's law; the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate

VOCABULARY = 40_000
MEAN_WORDS = 10
MANDELBROT_SHIFT = 2.7  # The commonest word is some 7 % of all.
ONSETS = (
    *"bcdfghjklmnprstvwyz",
    "",
    "",
    "st",
    "tr",
    "ch",
    "sh",
    "pl",
    "br",
    "qu",
    "sp",
    "gr",
    "th",
)
VOWELS = (*"aeiouy", "ea", "ou", "ie", "ai", "oo")
CODAS = ("", "", *"nrstlmdgpkx", "nd", "st", "ng", "ck", "ll", "rt")
RARE = "zyzzyva"
NEVER = "qwxzzy"


class TextGenerator:
    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.words = self._vocabulary()
        weights = (1 / (rank + MANDELBROT_SHIFT) for rank in range(len(self.words)))
        self._weights = list(accumulate(weights))

    @property
    def never_together(self) -> list[str]:
        """Return two common words that no message contains both."""
        return [word for word in self.words if len(word) > 2][2:4]

    def messages(self, number: int) -> Iterator[str]:
        one, other = self.never_together
        for _ in range(number):
            size = min(1 + int(self._random.expovariate(1 / (MEAN_WORDS - 1))), 60)
            words = self._random.choices(self.words, cum_weights=self._weights, k=size)
            if any(word.startswith(one) for word in words):
                words = [word for word in words if not word.startswith(other)] or [one]
            yield " ".join(words)

    def _vocabulary(self) -> list[str]:
        """Return random words by frequency; common ones are short, as in any language."""
        words: dict[str, None] = {}
        while len(words) < VOCABULARY:
            longest = 1 if len(words) < 60 else 2 if len(words) < 2000 else 3
            syllables = self._random.randint(max(1, longest - 1), longest)
            words["".join(self._syllable() for _ in range(syllables))] = None
        return list(words)

    def _syllable(self) -> str:
        return "".join(self._random.choice(kind) for kind in (ONSETS, VOWELS, CODAS))
