"""The look-up tables of one record's identifiers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from compliance.deidentify.known_dates import KnownDates

MIN_TYPO = 5
"""Shortest name part, in letters, for which one wrong letter is forgiven."""
MIN_FREE_CODE = 7
"""Shortest code, in characters, that counts inside longer runs; shorter ones need boundaries."""
MIN_CODE = 4
"""Shortest code, in characters, that is looked for at all."""

Owner = tuple[str, str]
"""Entity type and identity."""


@dataclass(slots=True)
class KnownIndex:
    """Look-up tables.

    Attributes:
        parts: folded name word (nicknames too) to its owners.
        nicks: short forms that are ordinary words and do not stand in the record themselves.
        compounds: words of a name run together ("johnsmith"), to their owners.
        couples: given name and surname of one person, as they follow one another.
        unspaced: names in scripts without spaces, to their owners.
        typos: names and places with one letter removed, to the whole word.
        initials: identity to the initials of its names.
        initial_runs: initials in order ("mt", "mlt"), to their owners.
        words: towns of one word, and telling words of organisations and streets, to their owner.
        codes: identifiers without separators, to their owner.
        runs: first word to runs of words (longest first) with their owner.
        run_words: words of five letters or more that stand in runs.
        dates: dates of birth and death.
    """

    parts: dict[str, set[Owner]] = field(default_factory=lambda: defaultdict(set))
    nicks: set[str] = field(default_factory=set)
    compounds: dict[str, set[Owner]] = field(default_factory=lambda: defaultdict(set))
    couples: set[tuple[str, str]] = field(default_factory=set)
    unspaced: dict[str, set[Owner]] = field(default_factory=lambda: defaultdict(set))
    typos: dict[str, set[str]] = field(default_factory=dict)
    initials: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    initial_runs: dict[str, set[Owner]] = field(default_factory=lambda: defaultdict(set))
    words: dict[str, Owner] = field(default_factory=dict)
    codes: dict[str, Owner] = field(default_factory=dict)
    runs: dict[str, list[tuple[tuple[str, ...], Owner]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    run_words: set[str] = field(default_factory=set)
    dates: KnownDates = field(default_factory=KnownDates)
