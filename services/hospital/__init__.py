"""The hospital: where clinicians answer, and what EHRs, apps and programs connect to.

Workflow. A referral comes in sealed and is stored with a job in the same transaction. A Celery
worker (or, when no worker takes it in time, this process) opens it, runs the consult path with the
hospital's knowledge and engine, and lays a draft on the clinician's desk. Nothing leaves until a
clinician signs: then the reply is audited, signed by the hospital and sealed to the device, and,
where the clinician names the person, filed in the record (`writing`). Redis carries hints only; the
job row is the truth.

The hospital's record is served over FHIR (`services.fhir`); `doors` lets callers in, by keys, by
tokens of the authorization server (`smart`) or by the portal's session, and `audited` writes down
what they get before they get it. `cds` advises the clinician inside their EHR, `launching` opens
the portal from there, `ehr` reads the EHR's own record into this one. `asking` puts a question to
one record (``$ask``), `previsit` takes what patients write before a visit, `chart` is the
clinician's page of one person, and `portal` shows all of it to people.

    caretier hospital --data var            # API, portal, FHIR
    caretier worker --data var              # Celery worker and beat
    caretier hospital code                  # a one-time code for a clinic
    caretier hospital user NAME             # an account for the portal
    caretier hospital client add NAME "system/*.rs" --jwks keys.json    # a program with a key
    caretier hospital ehr list              # records of other servers that are read
"""
