"""FHIR R4: a store that keeps what came, search, a REST surface, loading, and a sandbox.

A resource enters through `FhirStore.put` (or `load_path` for files), or over HTTP through
`routes.router`, which the hospital mounts behind its own authentication: it is parsed, checked
against R4 (`validate`) and indexed (`search.index`), and its JSON text is kept untouched, that of
every version. All writes go through a `writer.Writer`, which judges them by the caller's
`access.Access`; what may be seen is decided by `visible.visible` alone. `sandbox` makes a small
synthetic clinic for demonstrations and tests.

    from services.fhir.store import FhirStore
    from services.fhir.sandbox import generate
    from services.store.database import Database

    database = Database("sqlite:///var/hospital/fhir.db")
    database.migrate("services.fhir")
    store = FhirStore(database)
    store.put_many(generate())
    print([r["resourceType"] for r in store.everything("p01")])
"""
