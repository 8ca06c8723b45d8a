"""Second opinions: the hospital's experts answer one referral, each by itself.

Workflow. `Opinions.ask` lets triage look first (in an emergency nobody is asked), writes down who
asks whom, chooses the material once, and has every expert that the engine holds answer from it. Of
what an expert writes only the sentences stay that a source carries (`services.consult.judge`); how
many did not is told, their words are not. `compare` sets the opinions and the draft against one
another by rule: what contradicts (quantities and "not", `services.bricks.ingest.claims`) and what
is drawn from different sources. Nothing is averaged, and no opinion is chosen.

    async for told in opinions.ask(item, user, client):
        ...                                    # an Opinion as each comes, the Round at last
    opinions.last(item.id)                     # what was said when they were last asked
"""

from services.hospital.opinions.compare import compare, verdict_of
from services.hospital.opinions.round import DRAFT, Finding, Opinion, Round, Verdict
from services.hospital.opinions.service import Opinions, Reason

__all__ = [
    "DRAFT",
    "Finding",
    "Opinion",
    "Opinions",
    "Reason",
    "Round",
    "Verdict",
    "compare",
    "verdict_of",
]
