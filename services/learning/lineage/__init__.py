"""Lineage: where what a model says comes from, and where what a node gave has gone.

Workflow. Backwards: an answer names the brick that wrote it, or the call is on the audit trail
(`asked`); the brick's signed manifest names the bricks that it was made of, and its round holds the
evidence, who let it out, and the sites that contributed, by pseudonym; the parent's brick has a
round too, and so on down to the base model (`trace`). Forwards: from a contribution to every
release that holds it, and to what it added (`services.learning.credit`). Nothing here names a
patient or what was learned from: it is bricks, rounds, pseudonyms and figures.

    lineage = Lineage(rounds, BrickStore(folder), in_use=…, calls=…)
    lineage.of("SmolLM2-135M with general@2")["sites"]         # ["site-17", "site-40"]
    lineage.of_contribution(id_, sender)["releases"]           # [{"brick": "general@2", …}]
"""

from services.learning.lineage.asked import Call, calls_of
from services.learning.lineage.trace import Lineage

__all__ = ["Call", "Lineage", "calls_of"]
