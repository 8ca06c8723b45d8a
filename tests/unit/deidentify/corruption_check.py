"""Search generated records in corrupted text, and judge to the letter what survives.

Run ``python tests/unit/deidentify/corruption_check.py --cases 100000`` for the whole measurement.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corruption_records import Record, record
from corruptions import DISGUISES, KINDS, WEIGHTS

from compliance.deidentify import KnownIdentifiers
from compliance.deidentify.known_match import find_known
from compliance.deidentify.normalise import normalise

CASES_A_RECORD = 20
SENTENCES = (
    "I have had a cough for 3 days, {} and my blood pressure is 120/80.",
    "Pain is 2/10 since we talked to {} about it.",
    "The note said {} and metformin 500 mg twice daily.",
    "tengo dolor de cabeza, {} y tomo ibuprofeno 400 mg",
    "Please answer {}.",
    "{}",
    "Results for {}\nHemoglobin 13.2 g/dL",
    "signed, {}",
    "{} fell again and cannot walk, please call {} today",
    "i asked {} about the rash; {} told me to wait",
    "seen by {}\ncc: {}\nplan: continue lisinopril",
)


@dataclass(frozen=True)
class Case:
    """A text and the spans of it that tell someone."""

    seed: str
    text: str
    kinds: tuple[str, ...]
    secrets: tuple[tuple[int, int], ...]


def case(made: Record, seed: str) -> Case:
    """One text with one or two identifiers of the record, each corrupted twice."""
    rng = random.Random(seed)  # noqa: S311 - test data
    parts = rng.choice(SENTENCES).split("{}")
    text, secrets, kinds = parts[0], [], []
    for after in parts[1:]:
        kind = rng.choices(list(KINDS), WEIGHTS)[0]
        disguise = rng.choice(DISGUISES)
        for piece, secret in KINDS[kind](made, rng):
            written = disguise(piece)
            if secret:
                secrets.append((len(text), len(text) + len(written)))
            text += written
        text += after
        kinds.append(kind)
    return Case(seed, text, tuple(kinds), tuple(secrets))


def survivors(made_case: Case, covered: set[int]) -> str:
    """Letters and digits of the case that tell someone and are not covered."""
    return "".join(
        made_case.text[i]
        for start, end in made_case.secrets
        for i in range(start, end)
        if i not in covered and unicodedata.category(made_case.text[i])[0] in "LN"
    )


def covered(known: KnownIdentifiers, text: str) -> set[int]:
    """Offsets into ``text`` that known identifiers alone would mask."""
    plain = normalise(text)
    return {
        i
        for hit in find_known(known.index, plain.text)
        for i in range(*plain.span(hit.start, hit.end))
    }


def cases(first: int, count: int) -> Iterator[tuple[KnownIdentifiers, Case]]:
    """``count`` cases from record number ``first`` on."""
    for number in range(first, first + -(-count // CASES_A_RECORD)):
        made = record(random.Random(f"record {number}"))  # noqa: S311 - test data
        known = KnownIdentifiers.from_record(made.resources)
        for inner in range(CASES_A_RECORD):
            yield known, case(made, f"{number}/{inner}")


def leaks(first: int, count: int) -> list[tuple[Case, str]]:
    """Cases of which something survives, with what it is."""
    found = []
    for known, each in cases(first, count):
        left = survivors(each, covered(known, each.text))
        if left:
            found.append((each, left))
    return found


def main() -> int:
    """Print how many of the cases leak; 1 when any does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=1_000_000, help="number of the first record")
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    started = time.monotonic()
    found = leaks(options.first, options.cases)
    for each, left in found[: options.show]:
        sys.stdout.write(f"{each.seed} {each.kinds} left {left!r} of {each.text!r}\n")
    by_kind = Counter(kind for each, _ in found for kind in each.kinds)
    sys.stdout.write(
        f"{len(found)} leaks in {options.cases} cases ({dict(by_kind)}), "
        f"{time.monotonic() - started:.0f} s\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
