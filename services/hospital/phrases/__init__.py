"""Phrases for replies: written once, checked by people, put into many replies.

Workflow. A clinician writes a phrase in one language or both (`Phrases.write`) and has it in the
picker at once; nobody else sees it. Shared (`share`), it waits for a second clinician, who reads it
in full and lets it in (`approve`): it will be sent to patients. A later version waits again, and
until then everybody sees the one before. Retiring ends a phrase; its versions stay. Caretier brings
a few phrases itself (`data/starting.yaml`), which state nothing about any illness.

A phrase holds no patient's data. It may name a placeholder, such as ``[PATIENT]``; it can be put in
only where the question has that placeholder too.

    phrases = Phrases(database, auditor.phrase)
    made = phrases.write(user, Words("Thanks", "Thank you for writing.", ""))
    phrases.share(made.id, user)                     # waits
    phrases.approve(made.id, other, version=1)       # everybody's
"""

from services.hospital.phrases.starting import STARTING
from services.hospital.phrases.stock import Phrases
from services.hospital.phrases.words import PhraseView, Words

__all__ = ["STARTING", "PhraseView", "Phrases", "Words"]
