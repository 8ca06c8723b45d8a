"""The FHIR REST API: one module for each kind of interaction; `services.fhir.routes` lists them.

Workflow. A route makes a `call.Call` of the request: store, access, base address and body.
`negotiation` refuses what is not JSON of R4, `naming` and `conditions` read addresses and the
headers that make a call conditional. Then `reading`, `history`, `search`, `everything` and
`validate` answer, or `writing` changes one resource and `bundles` many: a transaction is planned
(`planning`), done in one turn (`transaction`, `steps`) and answered (`answers`). What goes out is
told to the access first.

    call = Call(request, store, access, "https://hospital.example.org/fhir")
    answer = search.search(call, "Patient")
"""
