"""De-identified FHIR: a patient's record, linked and in order, without the patient.

Every element of every R4 type has a place in a table of paths (``table``): kept, masked, moved in
time, replaced by a pseudonym, made coarser, or dropped; what is not in the table is dropped.
``walk`` goes over a resource by the table, ``actions`` treats the values. Ids and references become
keyed pseudonyms (``names``), so a bundle stays linked and two exports of one study fit together.
Names, places and numbers become surrogates (``people``), free text and readable attachments go
through the text pipeline (``texts``), other attachments lose their content, narratives go. Dates
move by whole weeks, by the same number for everything of one patient. The result is searched once
more for every identifier of the record (``needles``) and checked to be FHIR; what fails is not
given out, and the notes say how often and where, without a word of the record.

What is given out is pseudonymised (label ``PSEUDED``), not anonymous: whoever has the study's root
key can undo it. It is made for expert determination or a limited data set (45 CFR 164.514(b)(1),
(e)), since moved dates are still dates.

Example:
    >>> from datetime import date
    >>> from compliance.deidentify import Deidentifier
    >>> from compliance.deidentify.fhir import FhirDeidentifier
    >>> from compliance.deidentify.pseudonyms import StudyKey
    >>> key = StudyKey.from_environment("asthma-2026")
    >>> export = FhirDeidentifier(Deidentifier.load(), key, today=date(2026, 11, 21))
    >>> export.bundle({"resourceType": "Bundle", "type": "collection", "entry": []}).resource
    {'resourceType': 'Bundle', 'type': 'collection'}
"""

from __future__ import annotations

from compliance.deidentify.fhir.service import Exported, FhirDeidentifier, Note

__all__ = ["Exported", "FhirDeidentifier", "Note"]
