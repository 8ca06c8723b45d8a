"""Documents for training: a text with its spans, decided by a seed and the document's number.

    python -m compliance.deidentify.names.generate [--documents 2000] [--seed 7] [--show 5]

prints the variety of what it makes, and a few documents with «names» marked.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compliance.deidentify.names.lexicons import Names
from compliance.deidentify.names.slots import ELSEWHERE, Cast, Piece
from compliance.deidentify.names.templates import Template, chosen, lay_lines, leaflet_sentences
from compliance.deidentify.names.vary import assemble, vary

Span = tuple[int, int, str]
NEGATIVE = 0.5
"""Share of documents without any entity."""
_ANONYMOUS, _LEAFLET, _LAY, _SECOND, _HARD = 0.2, 0.35, 0.5, 0.3, 0.35
_SPANISH, _SPANISH_LAY = 0.35, 0.2
_PROSE = 0.5
"""Share of Spanish negatives put together word by word: lists of whole sentences are too few."""
_JOINTS = (" ", " ", "\n", "\n\n", ". ", "\n- ")


@dataclass(frozen=True, slots=True)
class Document:
    """A text with start, end and type of its entities; ``ELSEWHERE`` is neither wanted nor not."""

    text: str
    spans: tuple[Span, ...]
    genre: str
    language: str

    @property
    def negative(self) -> bool:
        """Whether nothing in it is to be found."""
        return all(kind == ELSEWHERE for _, _, kind in self.spans)

    def marked(self) -> str:
        """The text with its entities in «», for reading."""
        text = self.text
        for start, end, kind in reversed(self.spans):
            text = f"{text[:start]}«{text[start:end]}|{kind.lower()}»{text[end:]}"
        return text


def document(seed: int, number: int, *, out: bool = False) -> Document:
    """The document of this number.

    Args:
        seed: of the whole set.
        number: which document.
        out: from the templates and names that are kept out of training.
    """
    dice = random.Random(f"{seed}/{number}/{out}")  # noqa: S311 - no secret
    negative = dice.random() < NEGATIVE
    anonymous = negative and dice.random() < _ANONYMOUS
    first = _choose(dice, out=out, named=not negative or anonymous)
    cast = Cast(first.language, Names.load(out=out), dice, anonymous)
    pieces = _pieces(first, cast)
    if negative and not anonymous and dice.random() < _LEAFLET:
        pieces = _leaflet(dice, out=out) or pieces
    if dice.random() < _SECOND:
        second = _choose(dice, out=out, named=not negative, language=first.language)
        pieces = [*pieces, Piece(dice.choice(_JOINTS)), *_pieces(second, cast)]
    if not negative and dice.random() < _HARD:
        pieces = _beside(pieces, cast, out=out)
    text, spans = assemble(vary(pieces, dice))
    return Document(text, tuple(spans), first.genre, first.language)


def documents(seed: int, count: int, *, out: bool = False) -> Iterator[Document]:
    """The first ``count`` documents of a seed."""
    return (document(seed, number, out=out) for number in range(count))


def _choose(
    dice: random.Random, *, out: bool, named: bool, language: str | None = None
) -> Template:
    """A template of the language, which is drawn where none is asked for."""
    wanted = language or ("es" if dice.random() < _SPANISH else "en")
    every: Sequence[Template] = chosen(out=out, named=named)
    if not named and wanted == "es" and dice.random() < _PROSE:
        every = [t for t in every if t.genre.endswith("prosa")] or every
    return dice.choice([t for t in every if t.language == wanted] or every)


def _pieces(template: Template, cast: Cast) -> list[Piece]:
    filled = cast.fill(template.text)
    return [Piece(p.text.lower(), p.type) for p in filled] if template.lower else filled


def _leaflet(dice: random.Random, *, out: bool) -> list[Piece]:
    """One to three sentences of the leaflets, or questions of lay people."""
    spanish = dice.random() < _SPANISH_LAY
    lay = spanish or dice.random() < _LAY
    sentences = lay_lines(out=out, spanish=spanish) if lay else leaflet_sentences(out=out)
    if not sentences:
        return []
    return [Piece(" ".join(dice.choice(sentences) for _ in range(dice.randint(1, 3))))]


def _beside(pieces: list[Piece], cast: Cast, *, out: bool) -> list[Piece]:
    """The pieces with a hard negative before or after them."""
    template = _choose(cast.dice, out=out, named=False, language=cast.language)
    hard = _pieces(template, cast)
    joint = Piece(cast.dice.choice(_JOINTS))
    return [*hard, joint, *pieces] if cast.dice.random() < 0.5 else [*pieces, joint, *hard]  # noqa: PLR2004 - a share


def variety(seed: int, count: int) -> dict[str, float]:
    """Figures of a set: shares of negatives and Spanish, distinct texts, entities and words."""
    every = list(documents(seed, count))
    entities = [d.text[s:e] for d in every for s, e, k in d.spans if k != ELSEWHERE]
    return {
        "documents": count,
        "negative": round(sum(d.negative for d in every) / count, 3),
        "spanish": round(sum(d.language == "es" for d in every) / count, 3),
        "lower": round(sum(d.text == d.text.lower() for d in every) / count, 3),
        "distinct_texts": round(len({d.text for d in every}) / count, 3),
        "entities": len(entities),
        "distinct_entities": round(len(set(entities)) / max(1, len(entities)), 3),
        "characters_a_document": round(sum(len(d.text) for d in every) / count, 1),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print figures and samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", type=int, default=5)
    given = parser.parse_args(arguments)
    kinds = Counter(k for d in documents(given.seed, given.documents) for _, _, k in d.spans)
    lines = [f"{key} {value}" for key, value in variety(given.seed, given.documents).items()]
    lines += [f"{kind} {number}" for kind, number in sorted(kinds.items())]
    lines += [f"--\n{d.marked()}" for d in documents(given.seed, given.show)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
