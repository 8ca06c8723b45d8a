"""Credit: what each contribution added to a release, by measurement, with an interval.

Workflow. Once a round is released, what each of its contributions was worth is measured on the
suites that are to get better: a release is put together from some of them and scored like a
candidate (`ledger`). With few contributions every order in which they could have come is looked at,
cut short where nothing more is to be had (Shapley values); with more, the release is made without
each of them in turn (`shares`). The policy bounds how many such measurements there are; one job
does one of them, behind everything else that learns. The result stands in the round and in
`StoredContribution.gain`.

    credits = Credits(rounds, add_job)
    credits.schedule()                          # the clock: jobs for releases that have none yet
    while credits.step(round_id): ...           # a worker: one measurement each

It is a ledger, for people and for what they agreed on. No weight in any round comes from it: what a
suite rewards is what it holds, and a node that is paid by it would train for it.
"""

from services.learning.credit.ledger import JOB, Credits
from services.learning.credit.shares import Shares, method_for, shares

__all__ = ["JOB", "Credits", "Shares", "method_for", "shares"]
