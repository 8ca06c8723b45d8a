"""Second opinions: the hospital's experts answer one referral, each by itself.

Workflow. `Opinions.ask` lets triage look first (in an emergency nobody is asked), writes down who
asks whom, chooses the material once, and has every expert that the engine holds answer from it. Of
what an expert writes only the sentences stay that a source carries (`services.consult.judge`); how
many did not is told, their words are not. An expert whose field has knowledge bricks of its own
answers from those too. `compare` sets the opinions and the draft against one another by statement
and by rule (`relation`): what contradicts, what differs in degree, what is the same; `marks` says
it beside each statement. Nothing is averaged, and no opinion is chosen.

As many experts answer at once as the engine can; the others wait for their turn, and are told to
have had no room where it does not come. Who leaves the page ends it.

    async for told in opinions.ask(item, user, client):
        ...                        # Began and Opinion as they come, the Round at last
    opinions.last(item.id)         # what was said when they were last asked
"""

from services.hospital.opinions.compare import compare, verdict_of
from services.hospital.opinions.marks import Mark, marks
from services.hospital.opinions.round import (
    DRAFT,
    Began,
    Finding,
    Opinion,
    Round,
    Verdict,
)
from services.hospital.opinions.service import Opinions, Reason

__all__ = [
    "DRAFT",
    "Began",
    "Finding",
    "Mark",
    "Opinion",
    "Opinions",
    "Reason",
    "Round",
    "Verdict",
    "compare",
    "marks",
    "verdict_of",
]
