"""Signals: what people said of answers, as something that can be learned from.

Workflow. A person's thumb or correction stays in their vault; under a consent for learning it goes,
de-identified and sealed, to the one tier that the consent names (`SentSignal`), which keeps it in
its own book (`book.py`) and passes it on to nobody. A clinician's edit of a draft becomes a signal
at the hospital that switched that on; with words only where the patient consented, else as a count.
Feedback to cards and what became of referrals come from the hospital's own ledgers.

What a patient says is never learned as right: it tells that something is wrong. Only a clinician's
words are (`better`); with what was said before (`worse`) they are a preference pair. Each signal
has an end, at the latest that of its consent. Withdrawing the consent deletes it at every tier.

    with database.transaction() as session:
        keep(session, from_patient(sent, device=fingerprint, keep_for=timedelta(days=180)))
    material(session, "general", now, per_person=1)      # what a training takes of it
"""

from services.learning.signals.book import (
    answer_correction,
    counted,
    forget_consent,
    forget_over,
    forget_referral,
    from_patient,
    keep,
    learned_from,
)
from services.learning.signals.message import GENERAL, SentSignal, signal_in

__all__ = [
    "GENERAL",
    "SentSignal",
    "answer_correction",
    "counted",
    "forget_consent",
    "forget_over",
    "forget_referral",
    "from_patient",
    "keep",
    "learned_from",
    "signal_in",
]
