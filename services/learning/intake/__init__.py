"""The parent's side of contributions: taken, put aside, withdrawn; each written down first.

Workflow. A node's file comes to a place beside the others. `ContributionDesk.take` checks it by
every rule of `services.learning.contribution` against what the rounds take now, and that the node
that sends is the one that signed. One that is refused costs its node trust where the fault can be
no accident of time (`services.learning.trust`); one of a node that is trusted too little is put
aside until a person decides (`ContributionDesk.readmit`). `ContributionDesk.withdraw` deletes the
change and has its round made anew without it; where the release is out, it says which releases hold
it and how far its round's is from one without it, and has a round proposed that takes their place
(`services.learning.rounds.rebuild`).
"""

from services.learning.intake.desk import ContributionDesk, Sender

__all__ = ["ContributionDesk", "Sender"]
