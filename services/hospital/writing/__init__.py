"""Writing back: a reply that a clinician signed goes into the record of the person it is for.

Workflow. Software suggests, a clinician approves: nothing here writes by itself. A referral does
not say whose it is, so the clinician names the person in the sign step, by number, and only
somebody whom they treat (`filing`). They are shown exactly what would be filed; the signature
carries the token of that preview, and in the one transaction that signs and sends the reply the
record gets the Communication and its Provenance (`reply`), the Device of the model with its cards
(`machines`), each written down in the audit trail first. A text that owes nothing to the draft
(`influence`) has no AI label (`labels`). A filed reply can be withdrawn: it stays, marked as
entered in error, with who did it and why.

    beside = filings.beside(item, text, number, token, user=user, client=client)
    desk.sign(item.id, text, version=item.version, user=user, beside=beside)

A shared resource (Device, model card) is written once: its id is made of what it says.
"""

from services.hospital.writing.filing import Beside, Filings, Person, Preview

__all__ = ["Beside", "Filings", "Person", "Preview"]
