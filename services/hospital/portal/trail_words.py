"""Events of the trail in words, as files, and as bars by day."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from compliance.audit.entries import Entry
from services.hospital.portal.people_list import safe_cell
from services.web.i18n import Translator

FAMILIES: dict[str, tuple[str, ...]] = {
    "seen": ("read", "search", "everything", "history", "chat", "answer", "receive"),
    "changed": ("create", "update", "delete", "sign", "withdraw", "worklist", "import", "hold"),
    "given": ("export", "send", "erase"),
    "access": ("sign-in", "sign-out", "account", "key", "enrol"),
    "emergency": ("break-glass",),
}
"""Acts of a kind, as the bars show them; everything else is ``other``."""
ACTS = tuple(act for acts in FAMILIES.values() for act in acts)
MOST_DAYS = 62
BAR, GAP, TALL = 10, 3, 96
PIECE_CHARS = 65_536


@dataclass(frozen=True)
class Told:
    """One event as a line of a list."""

    seq: int
    when: datetime
    who: str
    role: str
    act: str
    what: str
    patient: str
    client: str
    failed: bool
    entry: Entry


@dataclass(frozen=True)
class Piece:
    """One kind of acts on one day: its place in the picture."""

    family: str
    y: float
    height: float


@dataclass(frozen=True)
class Day:
    """One day: its bar, and the same in words."""

    day: str
    x: int
    total: int
    words: str
    pieces: tuple[Piece, ...]


def told(entry: Entry, names: Mapping[str, str], t: Translator) -> Told:
    """One event in the reader's language."""
    return Told(
        seq=entry.seq,
        when=datetime.fromisoformat(entry.time),
        who=names.get(entry.who) or _nobody(entry, t),
        role=word(t, "role", entry.role) if entry.role else "",
        act=_act(entry, t),
        what=entry.what,
        patient=entry.patient,
        client=entry.client,
        failed=entry.outcome != "0",
        entry=entry,
    )


def word(t: Translator, section: str, slug: str) -> str:
    """The word for a slug; one that has none is shown as it is."""
    try:
        return t(f"{section}.{slug}")
    except KeyError:
        return slug


def _nobody(entry: Entry, t: Translator) -> str:
    if entry.who in {"", "unknown"}:
        return entry.program or t("trail.nobody")
    return entry.who


def _act(entry: Entry, t: Translator) -> str:
    said = word(t, "act", entry.act)
    if not entry.change or entry.act == "break-glass":
        return said
    return f"{said}: {word(t, 'change', entry.change)}"


def days(counts: Sequence[tuple[str, str, int]], t: Translator) -> tuple[Day, ...]:
    """Bars of the last days on which something happened, and of those between."""
    by_day: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    family_of = {act: family for family, acts in FAMILIES.items() for act in acts}
    for day, act, count in counts:
        by_day[day][family_of.get(act, "other")] += count
    if not by_day:
        return ()
    last = date.fromisoformat(max(by_day))
    first = max(date.fromisoformat(min(by_day)), last - timedelta(days=MOST_DAYS - 1))
    span = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    most = max(sum(by_day[day].values()) for day in span) or 1
    return tuple(_day(day, place, by_day[day], most, t) for place, day in enumerate(span))


def _day(day: str, place: int, held: Mapping[str, int], most: int, t: Translator) -> Day:
    pieces, top = list[Piece](), float(TALL)
    for family in (*FAMILIES, "other"):
        height = round(TALL * held.get(family, 0) / most, 2)
        if height:
            top -= height
            pieces.append(Piece(family, round(top, 2), height))
    total = sum(held.values())
    said = ", ".join(f"{t(f'trail.family.{name}')} {held[name]}" for name in held if held[name])
    return Day(day, place * (BAR + GAP), total, f"{day}: {said}" if said else day, tuple(pieces))


def as_csv(found: Iterable[Told]) -> Iterator[str]:
    """Events as a table for a spreadsheet, piece by piece; no cell is taken for a formula."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(
        ("number", "time", "who_id", "who", "role", "act", "change", "what", "patient", "outcome",
         "address", "program", "purpose")
    )  # fmt: skip
    for one in found:
        entry = one.entry
        row = (
            str(one.seq), entry.time, entry.who, one.who, entry.role, entry.act, entry.change,
            entry.what, entry.patient, entry.outcome, entry.client, entry.program, entry.purpose,
        )  # fmt: skip
        out.writerow([safe_cell(cell) for cell in row])
        if text.tell() >= PIECE_CHARS:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
