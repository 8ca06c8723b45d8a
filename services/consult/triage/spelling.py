"""Forgives one slip of the finger in the words that matter.

A word of five letters or more that is known to no concept, and is not an ordinary word of its own
(``false_friends``), is read as every concept word that is one deletion, insertion, substitution or
swap of neighbours away and begins with the same letter. The index of single deletions is made
once, so a look-up costs only the length of the word.
"""

from __future__ import annotations

from collections.abc import Iterable

_SHORTEST = 5
_LONGEST = 24  # longer than any word: nothing to correct, and the work stays linear


def _deletions(word: str) -> set[str]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


def one_slip_apart(left: str, right: str) -> bool:
    """Whether two different words are one deletion, insertion, substitution or swap apart."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    return (
        a[1:] == b[1:]
        or a[1:] == b
        or a == b[1:]
        or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])
    )


class Speller:
    """Reads misspelt words as known ones.

    Args:
        vocabulary: every word of every concept.
        false_friends: ordinary words that must never be corrected.
    """

    def __init__(self, vocabulary: Iterable[str], false_friends: Iterable[str]) -> None:
        self._friends = frozenset(false_friends)
        self._index: dict[str, set[str]] = {}
        for word in vocabulary:
            if len(word) >= _SHORTEST and word.isalpha():
                for key in _deletions(word) | {word}:
                    self._index.setdefault(key, set()).add(word)

    def readings(self, word: str) -> tuple[str, ...]:
        """Return the known words that ``word`` may stand for, in alphabetical order."""
        if not _SHORTEST - 1 <= len(word) <= _LONGEST or word in self._friends:
            return ()
        found: set[str] = set()
        for key in _deletions(word) | {word}:
            found |= self._index.get(key, set())
        return tuple(sorted(w for w in found if w[0] == word[0] and one_slip_apart(word, w)))
