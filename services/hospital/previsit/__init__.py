"""Before a visit: what a patient writes, held against its questions and against the record.

Workflow. The Questionnaires of `services.fhir.intake` lie in the record from the hospital's start
on. What comes in as a QuestionnaireResponse, by whichever write of the REST API, is checked in its
transaction (`checks`): against the questionnaire that it names, and, word by word, by triage. A red
flag is told to the sender before anything else and lies on the desk of whoever treats the person
(`alerts`). On the chart page the newest answers stand under "Before the visit" (`summary`): first
what does not go with the record (`against`), then the patient's own words, each line with the
answer and the entries that it comes from. Nothing is put together that was not written.

    intakes = Intakes(database, lambda: node.triage)
    records = FhirStore(database, intakes.checks)         # checks every write, red flags included
    Alerts(database, relations, auditor).waiting(user)    # of the people whom this clinician treats
"""

from services.fhir.intake.questionnaires import questionnaires
from services.hospital.previsit.alerts import Alert, Alerts
from services.hospital.previsit.checks import Intakes

__all__ = ["Alert", "Alerts", "Intakes", "questionnaires"]
