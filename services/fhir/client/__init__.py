"""A client of another's FHIR R4 server, for the hospital and for a person's device.

Workflow. `FhirClient` is given the server's base address, something that makes HTTP clients (an
`services.web.outbound.Outbound`, which decides what may be called) and a `TokenSource`:

    outbound = Outbound(["https://ehr.example.org"])
    smart = await smart_configuration(outbound, "https://ehr.example.org/fhir")
    tokens = BackendTokens(
        outbound, client_id="caretier", key=ClientKey(pem, "key-1"),
        token_url=smart.token, scope="system/*.rs",
    )
    async with FhirClient("https://ehr.example.org/fhir", outbound, tokens) as ehr:
        search = ehr.search("Observation", {"patient": "123", "category": "vital-signs"})
        async for observation in search:
            ...
        search.failures             # what could not be had, by resource
        search.unfiltered           # parameters that neither side could apply

What a server says is read liberally in form (`answers`, `links`, `discovery`) and taken for a
resource only where `services.fhir.validate` finds it valid. Calls keep to a pace, are repeated
where that cannot do something twice, and come to an end (`wire`, `pace`, `settings`). No error and
no failure repeats what a server says of a person: issue codes and ids only.

`BulkExport` reads a Bulk Data export; `launch` is the standalone launch of SMART, by which a person
allows a program to read their record.
"""

from services.fhir.client.answers import Failure, Fetched, Resource
from services.fhir.client.bulk import BulkExport
from services.fhir.client.client import FhirClient
from services.fhir.client.discovery import Capability, SmartConfiguration, smart_configuration
from services.fhir.client.errors import (
    FhirAnswerError,
    FhirAwayError,
    FhirRefusedError,
    FhirServerError,
    FhirSignInError,
)
from services.fhir.client.grants import Grant
from services.fhir.client.keys import ClientKey
from services.fhir.client.searching import Progress, Search
from services.fhir.client.settings import ClientSettings, Connects
from services.fhir.client.tokens import (
    BackendTokens,
    FixedToken,
    GrantTokens,
    TokenSource,
)

__all__ = [
    "BackendTokens",
    "BulkExport",
    "Capability",
    "ClientKey",
    "ClientSettings",
    "Connects",
    "Failure",
    "Fetched",
    "FhirAnswerError",
    "FhirAwayError",
    "FhirClient",
    "FhirRefusedError",
    "FhirServerError",
    "FhirSignInError",
    "FixedToken",
    "Grant",
    "GrantTokens",
    "Progress",
    "Resource",
    "Search",
    "SmartConfiguration",
    "TokenSource",
    "smart_configuration",
]
