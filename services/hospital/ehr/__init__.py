"""The record that the hospital's own EHR holds, kept up to date in the hospital's store.

Workflow. An operator connects an EHR's FHIR server (`connections`); `scheduling` writes a job when
it is due, and `passes` does it: the first time everything is read, by Bulk Data where the server
has it, afterwards what changed since (`_lastUpdated`, with an overlap). `taking` takes the records
in that are meant, and `applying` writes a batch of resources, where each came from, and what is
written down of it (`trail`), in one transaction. `book` knows up to when each search was read: the
watermark moves only once all of it is written. What could not be had is awaited there, and read by
itself later. Deletions come from the server's history, or are found now and then by reading
everything; a resource is deleted here only when the server says that it is gone (`gone`). A server
that has subscriptions tells of changes (`subscribing`, `routes`); a notification is a hint only.

    ehr = Ehr(database, records, jobs, outbound, record=write_down, node="Sandbox hospital")
    ehr.connections.add(Connecting("main", "https://ehr.example.org/fhir", patients=("123",)))
    outcome = await ehr.sync("main")

The source wins: a resource that came from an EHR is overwritten by its next version there. What
did not come from that EHR is never touched, so nothing that the assistant or a clinician wrote
here is lost; two sources are kept apart by a prefix before their ids (`naming`).
"""
