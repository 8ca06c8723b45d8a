"""Whether a signed text owes anything to the draft that was shown beside it.

A sentence that stands there as it was is plain. One that was shortened or turned round is the
clinician's by `services.hospital.authorship`, yet software had a part in it, and AI Transparency on
FHIR labels what AI influenced in any way. So a few of the draft's words in a row are enough; a text
that shares no such run with the draft counts as written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.consult.messages import Answer, Status
from services.hospital.authorship import pieces

RUN = 5
"""So many words of the draft in a row mean that the text was made from it."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Influence:
    """What of a text is the draft's.

    Attributes:
        kept: indices of the draft's sentences that stand there as they were.
        reworded: whether words of the draft stand in the rest.
        own: whether anything but the draft's sentences stands there.
    """

    kept: tuple[int, ...]
    reworded: bool
    own: bool

    @property
    def any(self) -> bool:
        """Whether software had a part in the text."""
        return bool(self.kept) or self.reworded


def influence(text: str, draft: Answer | None) -> Influence:
    """Compare a text with the draft; without a draft that was answered everything is own."""
    if draft is None or draft.status is not Status.ANSWERED:
        return Influence((), reworded=False, own=True)
    said = [sentence.text for sentence in draft.sentences]
    found = pieces(text, said)
    kept = tuple(dict.fromkeys(p.sentence for p in found if p.sentence is not None))
    rest = [p.text for p in found if p.sentence is None]
    runs = {run for sentence in (*said, draft.text) for run in _runs(sentence)}
    reworded = any(run in runs for part in rest for run in _runs(part))
    return Influence(kept, reworded=reworded, own=any(part.strip() for part in rest))


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    yield from (tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1))
