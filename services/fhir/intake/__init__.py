"""Questions before a visit as FHIR: the Questionnaires, and what answers them.

Three Questionnaires of our own (`questionnaires`, English with Spanish beside it), whether a
QuestionnaireResponse answers one (`validate`, `conditions`), its answers one by one (`answers`),
and what they state in words, for triage (`stated`). The device fills them in, the hospital checks
them again.
"""

from services.fhir.intake.questionnaires import questionnaires

__all__ = ["questionnaires"]
