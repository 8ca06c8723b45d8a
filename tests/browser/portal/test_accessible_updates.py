"""axe finds nothing on the pages of a model update with all that they can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from support.looks import in_looks

from services.learning.models import Approval, LearningRound
from services.learning.rounds import State

ORIGIN = "http://localhost:8000"
FIRST, SECOND = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2))
DIGEST = "sha256:" + "a" * 64
SUITE = {"before": [0.0] * 30, "after": [1.0] * 24 + [0.0] * 6}
SITES = [
    {"id": f"c{n}", "site": f"site-{n}", "examples": 40, "norm": 1.5, "weight": 1 / 3}
    | {"key": "A" * 16, "epsilon": 2.0, "bytes": 100}
    for n in range(3)
]
CREDIT = {
    "method": "shapley",
    "evaluations": 6,
    "items": 30,
    "error": None,
    "contributions": [
        {"id": "c0", "site": "site-0", "gain": 0.3, "low": 0.1, "high": 0.5},
        {"id": "c1", "site": "site-1", "gain": -0.1, "low": -0.2, "high": 0.05},
        {"id": "c2", "site": "site-2", "gain": None, "low": None, "high": None},
    ],
}


def row(id_: str, epoch: int, **more: Any) -> LearningRound:
    """A released round."""
    suites = dict.fromkeys(("learned", "protected", "safety"), SUITE)
    evidence = {"contributions": SITES, "suites": suites, "shadow": [20, 1], "lost": 0.1}
    now = datetime.now(UTC)
    named = {"domain": "general", "epoch": epoch, "state": State.RELEASED, "rule": "mean"}
    made_of = {"base": DIGEST, "candidate": DIGEST, "policy": DIGEST, "evidence": evidence}
    criteria = [{"name": "rejections", "holds": True, "needs": "none", "has": "none"}]
    when = {"started": now, "changed": now, "criteria": criteria}
    return LearningRound(id=id_, brick=f"general@{epoch + 1}", **named, **made_of, **when, **more)


@in_looks
def test_axe_finds_nothing_on_an_update_its_credit_and_its_lineage(hospital, page, good):
    said = Approval(
        round=FIRST, candidate=DIGEST, by="ana", approved=True, note="Good.", at=datetime.now(UTC)
    )
    with hospital.database.transaction() as session:
        session.add_all([row(FIRST, 0, credit=CREDIT), row(SECOND, 1, rebuilds=FIRST), said])
    for path in (f"updates/{FIRST}", f"updates/{SECOND}", "lineage/general@1"):
        page.goto(f"{ORIGIN}/portal/{path}")
        assert page.locator("h1").count() == 1
        good(page, path.split("/")[0])
