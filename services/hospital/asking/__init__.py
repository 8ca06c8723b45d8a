"""The assistant as FHIR: ``POST /fhir/Patient/{id}/$ask``, a question grounded in one record.

Workflow. A caller with the scope word ``ask`` who may read the whole record sends Parameters
(`request`): the question, perhaps its language and the encounter it is asked in. That a question
about this patient is put is on the audit trail before the record is read; its words are not. The
hospital's node runs the consult with the record (`service`): triage first, then what the record
itself says by rules, then the sources' own sentences; without a source it abstains. What comes back
(`answer`) is Parameters labelled as text by AI, triage first, each sentence with the resources or
passages that carry it. A sentence that rests on a resource outside of the record is not given out.
Sentences speak to the person whose record it is ("your record"), whoever asks and however: "does
the patient", "does she", "do I". Where it abstains, warnings of the record may stand all the same.

``ask`` is a scope of its own: ``chat`` puts questions without any record, and reading a record does
not mean that software may be run over it.

    app.include_router(ask_router(lambda: records, lambda: node, doors.ask))
"""

from services.hospital.asking.definition import operation_definition
from services.hospital.asking.routes import ask_router

__all__ = ["ask_router", "operation_definition"]
