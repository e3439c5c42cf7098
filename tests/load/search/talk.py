"""Talk as frequent and as rare in its words as people's: by Zipf's law, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate

VOCABULARY = 40_000
MEAN_WORDS = 10
FLATNESS = 2.7  # Mandelbrot's: the commonest word is some 7 % of all
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


class Talk:
    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self.words = self._vocabulary()
        weights = (1 / (rank + FLATNESS) for rank in range(len(self.words)))
        self._weights = list(accumulate(weights))

    @property
    def apart(self) -> list[str]:
        """Two common words that never stand together."""
        return [word for word in self.words if len(word) > 2][2:4]

    def lines(self, number: int) -> Iterator[str]:
        one, other = self.apart
        for _ in range(number):
            size = min(1 + int(self._dice.expovariate(1 / (MEAN_WORDS - 1))), 60)
            words = self._dice.choices(self.words, cum_weights=self._weights, k=size)
            if any(word.startswith(one) for word in words):
                words = [word for word in words if not word.startswith(other)] or [one]
            yield " ".join(words)

    def _vocabulary(self) -> list[str]:
        """Common words are short, as they are in any language."""
        words: dict[str, None] = {}
        while len(words) < VOCABULARY:
            longest = 1 if len(words) < 60 else 2 if len(words) < 2000 else 3
            syllables = self._dice.randint(max(1, longest - 1), longest)
            words["".join(self._syllable() for _ in range(syllables))] = None
        return list(words)

    def _syllable(self) -> str:
        return "".join(self._dice.choice(kind) for kind in (ONSETS, VOWELS, CODAS))
