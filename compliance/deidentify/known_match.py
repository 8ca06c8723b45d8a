"""Find a record's identifiers in plain text, in any order, case, spacing or spelling.

Every whole word of a name or a town is taken, in any case; only words of the closed classes
("will", "an", "so") and short forms that are ordinary words are judged by what stands around them
(``known_context``).
"""

from __future__ import annotations

from compliance.deidentify.deadline import remaining
from compliance.deidentify.known_codes import find_codes, find_runs, find_words
from compliance.deidentify.known_dates import find_dates
from compliance.deidentify.known_index import KnownIndex
from compliance.deidentify.known_initials import find_initials, with_initials
from compliance.deidentify.known_names import APART, NameHit, find_parts
from compliance.deidentify.known_page import Hit, Page
from compliance.deidentify.known_split import find_joined, find_spelt
from compliance.deidentify.known_tables import Owner

_ROLE_ORDER = ("PATIENT", "RELATIVE", "CLINICIAN", "PERSON", "ORGANIZATION", "LOCATION")


def find_known(index: KnownIndex, text: str) -> list[Hit]:
    """Every place where an identifier of ``index`` stands in ``text`` (plain form)."""
    page = Page(text)
    remaining()
    apart = [*find_joined(index, page), *find_spelt(index, page), *find_initials(index, page)]
    hits = _groups(index, page, find_parts(index, page, apart))
    for find in (find_codes, find_runs, find_words):
        remaining()
        hits += find(index, page)
    remaining()
    return hits + find_dates(index.dates, page)


def _groups(index: KnownIndex, page: Page, hits: list[NameHit]) -> list[Hit]:
    """Join parts of one name, take initials with them, and decide whose it is."""
    hits = sorted(hits, key=lambda h: (h.start, -h.end))
    groups: list[list[NameHit]] = []
    end = 0
    shared: set[Owner] = set()
    for hit in hits:
        gap = page.folded[end : hit.start]
        if groups and (hit.start < end or (shared & hit.owners and APART.fullmatch(gap))):
            groups[-1].append(hit)
            shared = shared & hit.owners or shared | hit.owners
            end = max(end, hit.end)
        else:
            groups.append([hit])
            shared, end = set(hit.owners), hit.end
    return [_group(index, page, group) for group in groups]


def _group(index: KnownIndex, page: Page, group: list[NameHit]) -> Hit:
    """One hit for a group: the owner of most parts, the patient first."""
    votes: dict[Owner, int] = {}
    for hit in group:
        for owner in hit.owners:
            votes[owner] = votes.get(owner, 0) + 1
    owner = min(votes, key=lambda o: (-votes[o], _ROLE_ORDER.index(o[0]), o[1]))
    start, end = group[0].start, max(hit.end for hit in group)
    return Hit(*with_initials(index, page, start, end, set(votes)), *owner)
