"""Rollout: a release goes to the nodes cohort by cohort, and comes back by itself if it is worse.

Workflow. `Rollout.start` begins with the *simulator*: the canary questions are asked of the release
before any node has it. Then it is offered to *one clinic*, to a *tenth* of them, to *all*: the
order is a keyed hash of the nodes' fingerprints (`cohorts`). What a node is offered stands in a
signed channel (`services.bricks.channels`), which it checks for itself. Nodes report what they
count (`Measures`), and `Rollout.tick` compares that with the former release (`compare`): worse, and
the channel leads back to the former version at once and for good; as good, and watched for long
enough, and the next cohort comes; not to be judged within the policy's patience, and it is held
until a person says.

    rollout = Rollout(database, Policy.load(), fleet, channels, canaries=ask)
    rollout.start("general@4", "general@3")
    rollout.observe(node, Measures(answers=40, overrides=2))       # for each report
    rollout.tick()                                                 # every few seconds, anywhere
    rollout.roll_back("general@4", by="user-1", reason="Odd answers on doses.")

A release ends *released*, *rolled-back*, or *stopped*: taken back before any node had it. Changes
carry the fence of the row that they were made from, so of two processes one moves a release; the
channel is signed from the rows, under the repository's lock, and put right by every later tick.
"""

from services.learning.rollout.book import Case
from services.learning.rollout.errors import NoChannelError, RolloutOverError
from services.learning.rollout.measures import Measures, Report
from services.learning.rollout.ports import CanaryResult, ChannelWriter, MemoryChannels
from services.learning.rollout.service import Rollout

__all__ = [
    "CanaryResult",
    "Case",
    "ChannelWriter",
    "Measures",
    "MemoryChannels",
    "NoChannelError",
    "Report",
    "Rollout",
    "RolloutOverError",
]
