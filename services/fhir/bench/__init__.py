"""How fast the FHIR server is, each figure beside the raw database in the same run.

`corpus` makes as many resources as wanted, `measures` takes the time of every interaction over the
REST API (in this process, without a network), `raw` does the same with plain SQL. The command is
``caretier bench fhir`` (`services.hospital.bench`).
"""
