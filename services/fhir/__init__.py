"""FHIR R4: a record that keeps what came, and everything that may be asked of it or told to it.

Workflow. A resource comes in by `FhirStore.put`, by `load` from files, or over HTTP through
`routes.router`, which a node mounts behind its own authentication (`rest`). It is checked against
R4 (`validate`), taken apart into what it can be found by (`search`) and kept word for word, every
version of it (`store`). Writers take turns, and each write passes a `writer.Writer`, which judges
it by the caller's `access.Access`. What a caller sees, by whatever way, `visible.visible` alone
decides, and `Access.disclose` and `Access.change` write it down before it happens.

Beside single resources: `bulk` gives out and takes in whole records as NDJSON, `subscriptions` tell
others of changes, `cds` is the protocol of CDS Hooks, and `client` reads the servers of others.
`sandbox` makes a small synthetic clinic for demonstrations and tests.

    from services.fhir.access import Access
    from services.fhir.sandbox import generate
    from services.fhir.search.query import parse
    from services.fhir.store import FhirStore
    from services.store.database import Database

    database = Database("sqlite:///:memory:")
    database.migrate("services.fhir")
    store = FhirStore(database)
    store.put_many(generate())
    sugar = parse("Observation", [("code", "http://loinc.org|4548-4"), ("_sort", "-date")])
    page = store.find(sugar, Access(patient="p01"))          # as far as an app of p01 may see
    print(page.total, [entry.id for entry in page.entries])
"""
