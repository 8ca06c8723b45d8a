"""Notices: what waits for a person at the portal, told without a word about a patient.

notify(session, user.id, "handed-over", referral.id)   # in the transaction of what happened
notify_role(session, "operator", "job-dead", job.kind)  # everybody of a role
"""

from services.hospital.notices.book import Noticed, Notices
from services.hospital.notices.kinds import KINDS, Kind, kinds_of
from services.hospital.notices.telling import notify, notify_role

__all__ = ["KINDS", "Kind", "Noticed", "Notices", "kinds_of", "notify", "notify_role"]
