"""CDS Hooks 2.0: decision support that an EHR calls while a clinician works.

Workflow. An EHR reads ``GET /cds-services`` (`routes`), fills in the prefetch templates that it
finds there, and calls ``POST /cds-services/{id}`` with a JWT (`tokens`, keys by `keysets`). What it
sends is taken apart and held against the patient of the context (`prefetch`); what it does not send
is asked of its own FHIR server, if it gives us a token for it (`fetch`). The `service` then decides
beside the loop, and `engine` sees to it that an answer goes out in time, with a card on whatever
could not be checked (`unchecked`). Every text of others in a `cards.Card` went through `markdown`.
What people do with cards comes back by ``POST /cds-services/{id}/feedback``.

    hooks = CdsHooks({service.id: service}, client_for, ledger)
    app.include_router(cds_router(lambda: hooks, admit))

What is decided, and by which knowledge, is for the package that builds the services.
"""

from services.fhir.cds.cards import Action, Card, Coding, Decision, Link, Source, Suggestion
from services.fhir.cds.engine import CdsHooks
from services.fhir.cds.routes import cds_router
from services.fhir.cds.service import Call, Service
from services.fhir.cds.tokens import TokenVerifier, TrustedEhr

__all__ = [
    "Action",
    "Call",
    "Card",
    "CdsHooks",
    "Coding",
    "Decision",
    "Link",
    "Service",
    "Source",
    "Suggestion",
    "TokenVerifier",
    "TrustedEhr",
    "cds_router",
]
