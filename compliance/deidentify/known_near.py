"""Words that are one letter away from a known word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping


def deletion_table(words: Iterable[str]) -> dict[str, set[str]]:
    """Every word of ``words``, and every one without one of its letters, to the whole words."""
    table: dict[str, set[str]] = defaultdict(set)
    for word in words:
        for shorter in _deletions(word):
            table[shorter].add(word)
    return dict(table)


def near(table: Mapping[str, set[str]], word: str) -> set[str]:
    """Known words one wrong, missing, extra or swapped letter away from ``word``, at any place.

    Args:
        table: what ``deletion_table`` made.
        word: as written.
    """
    candidates = {p for form in _deletions(word) for p in table.get(form, ())}
    return {part for part in candidates if _one_edit(word, part)}


def _deletions(word: str) -> set[str]:
    """``word`` and every word that lacks one of its letters."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def _one_edit(word: str, part: str) -> bool:
    """True when the two differ by one letter put in, left out, changed, or two swapped."""
    if abs(len(word) - len(part)) > 1:
        return False
    i = 0
    while i < min(len(word), len(part)) and word[i] == part[i]:
        i += 1
    if len(word) == len(part):
        swapped = word[i + 2 :] == part[i + 2 :] and word[i : i + 2] == part[i : i + 2][::-1]
        return word[i + 1 :] == part[i + 1 :] or swapped
    longer, shorter = (word, part) if len(word) > len(part) else (part, word)
    return longer[i + 1 :] == shorter[i:]
