"""The hospital: where clinicians answer, and where the hierarchy is run from.

A referral comes in sealed and is stored with a job in the same transaction. A Celery worker (or,
when no worker takes it in time, this process) opens it, runs the consult path with the hospital's
knowledge and engine, and lays a draft on the clinician's desk. Nothing leaves until a clinician
signs: then the reply is audited, signed by the hospital and sealed to the device. Redis carries
hints only; the job row is the truth.

    caretier hospital --data var            # API, portal, FHIR
    caretier worker --data var              # Celery worker and beat
    caretier hospital code                  # a one-time code for a clinic
    caretier hospital user add NAME         # an account for the portal
"""
