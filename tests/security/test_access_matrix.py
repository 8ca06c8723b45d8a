"""Who may come in where: every route of every tier has a row here, and each row is tried.

A route that is added without its row fails the first test; a row says which callers are let in, and
all others must be turned away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clinic_edge.app import create as create_clinic
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from compliance.deidentify.pseudonyms import new_root_file
from patient_app.app import create as create_device
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from services.fhir.sandbox import generate
from services.hospital.app import create as create_hospital
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

pytestmark = pytest.mark.xdist_group("matrix")  # the hospital is made once
PASSWORD = "a long enough password"
RECOVERED = "violet lantern over nine hills"
HOST = "http://localhost"
ID = "00000000-0000-4000-8000-000000000000"

STRANGER, FORGED = "stranger", "forged"
KEYS = (
    *("key-chat", "key-engine", "key-operator"),
    *("key-system", "key-write", "key-p07", "key-ask", "key-study"),
)
ROLES = ("clinician", "operator", "privacy", "admin")
CALLERS = (STRANGER, FORGED, *KEYS, *ROLES)
ALL, NODES = set(CALLERS), set[str]()
"""``NODES``: let in by a one-time code or a node's signed token alone, so none of these callers."""
STAFF = set(ROLES)
READS_FHIR = {"key-system", "key-p07", "key-ask", "clinician"}
WRITES_FHIR = {"key-write"}
BULK = {"key-system", "key-write"}  # programs; a kick-off then asks for the scopes it needs
SUBSCRIBERS = {"key-system", "key-p07", "key-ask"}
ASKS_MODELS = {"key-chat", "key-engine", "clinician", "operator"}
OPERATES = {"key-operator", "operator"}
READS_REFERRALS = {"clinician", "privacy"}
CLINICIAN = {"clinician"}

SHAPED: dict[str, Any] = {
    "/v1/enrol": {"code": "A" * 16, "bundle": {}},
    "/v1/advise": {"machine": {"cores": 4, "memory": 8_000_000_000}},  # this one is not measured
    "/v1/trust/1/appeal": {"said": "x"},
    "/v1/trust/1/decision": {"decision": "lifted"},
    "/v1/updates/dry-run": {"domain": "general"},
    "/fhir/$de-identify": {"resourceType": "Patient", "id": "x"},
    f"/portal/api/referrals/{ID}/save": {"text": "x", "version": 0},
    "/portal/api/worklist/undo": {"batch": ID},
    "/recover": {"code": f"{'0' * 26}ACRK", "passphrase": RECOVERED, "again": RECOVERED},
    "/start/you": {"label": "x", "passphrase": PASSWORD, "again": PASSWORD},
    "/portal/api/worklist/take": {"rows": [{"id": ID, "version": 0}]},
}
"""Bodies where a wrong shape would be refused before anybody asks who it is, or take long."""
Row = tuple[str, set[str]]
"""An address to try, and who is let in."""

FRAME: dict[str, Row] = {
    "GET /openapi.json": ("/openapi.json", ALL),
    "GET /healthz": ("/healthz", ALL),
    "GET /readyz": ("/readyz", ALL),
    "GET /metrics": ("/metrics", ALL),
    "MOUNT /static/caretier": ("/static/caretier/caretier.css", ALL),
}
EXCHANGE: dict[str, Row] = {
    "POST /v1/enrol": ("/v1/enrol", NODES),
    "GET /v1/keys": ("/v1/keys", NODES),
    "POST /v1/referrals": ("/v1/referrals", NODES),
    "GET /v1/referrals/{referral}": (f"/v1/referrals/{ID}", NODES),
    "POST /v1/withdrawals": ("/v1/withdrawals", NODES),
    "GET /bricks/metadata/{file}": ("/bricks/metadata/timestamp.json", NODES),
    "GET /bricks/targets/{path:path}": (f"/bricks/targets/blobs/{'0' * 64}", NODES),
    "GET /bricks/pin": ("/bricks/pin", NODES),
}
HOSPITAL: dict[str, Row] = (
    FRAME
    | EXCHANGE
    | {
        "GET /": ("/", ALL),
        "MOUNT /static/portal": ("/static/portal/portal.css", ALL),
        "GET /fhir/metadata": ("/fhir/metadata", ALL),
        **{
            f"{method} /fhir/{place}": (f"/fhir/{path}", BULK)
            for method, place, path in (
                ("GET", "$export", "$export"),
                ("POST", "$export", "$export"),
                ("GET", "Patient/$export", "Patient/$export"),
                ("POST", "Patient/$export", "Patient/$export"),
                ("GET", "Group/{group}/$export", "Group/g/$export"),
                ("POST", "Group/{group}/$export", "Group/g/$export"),
                ("GET", "$export/{order}", f"$export/{ID}"),
                ("DELETE", "$export/{order}", f"$export/{ID}"),
                ("GET", "$export/{order}/{file}", f"$export/{ID}/Patient.1.ndjson"),
                ("GET", "$import/{order}", f"$import/{ID}"),
                ("DELETE", "$import/{order}", f"$import/{ID}"),
                ("GET", "$import/{order}/{file}", f"$import/{ID}/refused.1.ndjson"),
            )
        },
        "GET /fhir/Subscription/$status": ("/fhir/Subscription/$status", SUBSCRIBERS),
        "GET /fhir/Subscription/{identity}/$status": (
            "/fhir/Subscription/s1/$status",
            SUBSCRIBERS,
        ),
        "GET /fhir/Subscription/{identity}/$events": (
            "/fhir/Subscription/s1/$events",
            SUBSCRIBERS,
        ),
        "POST /fhir/$import": ("/fhir/$import", {"key-write"}),
        "GET /fhir/{kind}": ("/fhir/Patient?patient=p07", READS_FHIR),
        "GET /fhir/{kind}/{identity}": ("/fhir/Patient/p07", READS_FHIR),
        "GET /fhir/_history": ("/fhir/_history", {"key-system"}),
        "GET /fhir/{kind}/_history": ("/fhir/Observation/_history", READS_FHIR),
        "GET /fhir/{kind}/{identity}/_history": ("/fhir/Patient/p07/_history", READS_FHIR),
        "GET /fhir/{kind}/{identity}/_history/{version}": (
            "/fhir/Patient/p07/_history/1",
            READS_FHIR,
        ),
        "POST /fhir": ("/fhir", READS_FHIR - CLINICIAN | WRITES_FHIR),  # each entry by itself
        "POST /fhir/": ("/fhir/", READS_FHIR - CLINICIAN | WRITES_FHIR),
        **{
            f"POST /fhir/{place}": (f"/fhir/{path}", READS_FHIR - CLINICIAN | WRITES_FHIR)
            for place, path in (
                ("{kind}/$validate", "Patient/$validate"),
                ("{kind}/{identity}/$validate", "Patient/p07/$validate"),
            )
        },
        **{
            f"{method} /fhir/{place}": (f"/fhir/{path}", WRITES_FHIR)
            for method, place, path in (
                ("POST", "{kind}", "Patient"),
                ("PUT", "{kind}", "Basic?_id=x"),
                ("PATCH", "{kind}", "Basic?_id=x"),
                ("DELETE", "{kind}", "Basic?_id=x"),
                ("PUT", "{kind}/{identity}", "Patient/x"),
                ("PATCH", "{kind}/{identity}", "Patient/x"),
                ("DELETE", "{kind}/{identity}", "Patient/x"),
            )
        },
        **{
            f"{method} /fhir/{{address:path}}": ("/fhir/a/b/c/d", ALL)
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        },
        "POST /fhir/{kind}/_search": ("/fhir/Patient/_search", READS_FHIR - CLINICIAN),
        "GET /fhir/Patient/{identity}/$everything": ("/fhir/Patient/p07/$everything", READS_FHIR),
        "GET /fhir/Patient/{identity}/$de-identify": (
            "/fhir/Patient/p07/$de-identify",
            {"key-study"},
        ),
        "POST /fhir/$de-identify": ("/fhir/$de-identify", {"key-study"}),
        "GET /fhir/.well-known/smart-configuration": (
            "/fhir/.well-known/smart-configuration",
            ALL,
        ),
        "GET /.well-known/smart-configuration": ("/.well-known/smart-configuration", ALL),
        "GET /.well-known/openid-configuration": ("/.well-known/openid-configuration", ALL),
        "GET /oauth/jwks": ("/oauth/jwks", ALL),
        "GET /oauth/style.json": ("/oauth/style.json", ALL),
        "POST /oauth/token": ("/oauth/token", NODES),
        "POST /v1/ehr/{connection}/notify": ("/v1/ehr/main/notify", NODES),
        "POST /oauth/introspect": ("/oauth/introspect", NODES),
        "POST /oauth/revoke": ("/oauth/revoke", NODES),
        "GET /cds-services": ("/cds-services", ALL),
        "POST /cds-services/{service}": ("/cds-services/caretier-patient-view", NODES),
        "POST /cds-services/{service}/feedback": (
            "/cds-services/caretier-patient-view/feedback",
            NODES,
        ),
        "POST /fhir/Patient/{identity}/$ask": ("/fhir/Patient/p07/$ask", {"key-ask", "clinician"}),
        "GET /v1/models": ("/v1/models", ASKS_MODELS),
        "GET /v1/models/{model}": ("/v1/models/caretier", ASKS_MODELS),
        "POST /v1/chat/completions": ("/v1/chat/completions", ASKS_MODELS),
        "GET /v1/contributions": ("/v1/contributions", NODES),
        "POST /v1/contributions": ("/v1/contributions", NODES),
        "POST /v1/measures": ("/v1/measures", NODES),
        "DELETE /v1/contributions/{id_}": (f"/v1/contributions/{ID}", OPERATES),
        "GET /v1/contributions/{id_}": (f"/v1/contributions/{ID}", OPERATES),
        "POST /v1/contributions/{id_}/readmit": (f"/v1/contributions/{ID}/readmit", OPERATES),
        "GET /v1/lineage/{asked}": ("/v1/lineage/general@1", OPERATES),
        "GET /v1/rounds": ("/v1/rounds", OPERATES),
        "GET /v1/rounds/{id_}": (f"/v1/rounds/{ID}", OPERATES),
        "POST /v1/updates/dry-run": ("/v1/updates/dry-run", OPERATES),
        "GET /v1/trust": ("/v1/trust", NODES),
        "GET /v1/trust/nodes": ("/v1/trust/nodes", OPERATES),
        "POST /v1/trust/{number}/appeal": ("/v1/trust/1/appeal", NODES),
        "POST /v1/trust/{number}/decision": ("/v1/trust/1/decision", OPERATES),
        "GET /v1/experts": ("/v1/experts", OPERATES),
        "PUT /v1/experts/{name}": ("/v1/experts/amber", OPERATES),
        "DELETE /v1/experts/{name}": ("/v1/experts/amber", OPERATES),
        "POST /v1/gate/explain": ("/v1/gate/explain", OPERATES | {"key-engine"}),
        "POST /v1/advise": ("/v1/advise", OPERATES),
        "GET /v1/advise/catalogue": ("/v1/advise/catalogue", OPERATES),
        "GET /portal/sign-in": ("/portal/sign-in", ALL),
        "POST /portal/sign-in": ("/portal/sign-in", NODES),
        "POST /portal/sign-out": ("/portal/sign-out", NODES),
        "POST /portal/language": ("/portal/language", NODES),
        "GET /portal/second-factor": ("/portal/second-factor", STAFF),
        "POST /portal/second-factor": ("/portal/second-factor", NODES),
        "POST /portal/second-factor/start": ("/portal/second-factor/start", NODES),
        "GET /portal/second-factor/enrol": ("/portal/second-factor/enrol", NODES),
        "POST /portal/second-factor/enrol": ("/portal/second-factor/enrol", NODES),
        "GET /portal/launch": ("/portal/launch", ALL),  # of an unknown EHR: a page that says so
        "GET /portal/launch/back": ("/portal/launch/back", NODES),
        "GET /portal/launch/enter": ("/portal/launch/enter", NODES),
        "GET /portal/launch/unknown": ("/portal/launch/unknown", CLINICIAN),
        "GET /portal/": ("/portal/", STAFF),  # an operator goes on to the system page
        "GET /portal/design": ("/portal/design", STAFF),
        "GET /portal/system": ("/portal/system", {"clinician", "operator"}),
        **{
            f"GET /portal/system/{tab}": (f"/portal/system/{tab}", {"clinician", "operator"})
            for tab in ("nodes", "queues", "rounds", "versions")
        },
        "POST /portal/system/nodes/code": ("/portal/system/nodes/code", NODES),
        "POST /portal/system/nodes/revoke": ("/portal/system/nodes/revoke", NODES),
        "POST /portal/system/queues/retry": ("/portal/system/queues/retry", NODES),
        "POST /portal/system/queues/drop": ("/portal/system/queues/drop", NODES),
        "GET /portal/{rest:path}": ("/portal/nothing", ALL),  # a page that says so
        "GET /portal/notices": ("/portal/notices", STAFF),
        "GET /portal/api/notices": ("/portal/api/notices", STAFF),
        "POST /portal/notices/read": ("/portal/notices/read", NODES),
        "POST /portal/notices/undo": ("/portal/notices/undo", NODES),
        "POST /portal/notices/kinds": ("/portal/notices/kinds", NODES),
        "POST /portal/notices/{id_}/{do}": (f"/portal/notices/{ID}/read", NODES),
        "GET /portal/referrals/{id_}": (f"/portal/referrals/{ID}", READS_REFERRALS),
        "POST /portal/referrals/{id_}/sign": (f"/portal/referrals/{ID}/sign", NODES),
        **{
            f"POST /portal/referrals/{{id_}}/{act}": (f"/portal/referrals/{ID}/{act}", NODES)
            for act in ("take", "release", "handover", "snooze", "wake")
        },
        "POST /portal/worklist/undo": ("/portal/worklist/undo", NODES),
        "POST /portal/worklist/{act}": ("/portal/worklist/take", NODES),
        "GET /portal/api/worklist": ("/portal/api/worklist", READS_REFERRALS),
        "GET /portal/api/colleagues": ("/portal/api/colleagues", CLINICIAN),
        "POST /portal/api/worklist/undo": ("/portal/api/worklist/undo", NODES),
        "POST /portal/api/worklist/{act}": ("/portal/api/worklist/take", NODES),
        "POST /portal/referrals/{id_}/filing": (f"/portal/referrals/{ID}/filing", NODES),
        "POST /portal/referrals/{id_}/withdraw": (f"/portal/referrals/{ID}/withdraw", NODES),
        "GET /portal/referrals/{id_}/versions": (f"/portal/referrals/{ID}/versions", CLINICIAN),
        "POST /portal/referrals/{id_}/versions": (f"/portal/referrals/{ID}/versions", NODES),
        "POST /portal/referrals/{id_}/opinions": (f"/portal/referrals/{ID}/opinions", NODES),
        "POST /portal/api/referrals/{id_}/opinions": (
            f"/portal/api/referrals/{ID}/opinions",
            NODES,
        ),
        "GET /portal/drafter/{asked}": ("/portal/drafter/record-rules@1", STAFF - {"admin"}),
        "GET /portal/phrases": ("/portal/phrases", CLINICIAN),
        "POST /portal/phrases": ("/portal/phrases", NODES),
        "GET /portal/phrases/{id_}": ("/portal/phrases/starting-thanks", CLINICIAN),
        "POST /portal/phrases/{id_}/edit": (f"/portal/phrases/{ID}/edit", NODES),
        "POST /portal/phrases/{id_}/{act}": (f"/portal/phrases/{ID}/share", NODES),
        "GET /portal/api/phrases": ("/portal/api/phrases", CLINICIAN),
        "POST /portal/intakes/{id_}/seen": ("/portal/intakes/x/seen", NODES),
        "GET /portal/patients": ("/portal/patients", CLINICIAN),
        "POST /portal/patients": ("/portal/patients", NODES),
        "GET /portal/patients/{id_}": ("/portal/patients/p07", CLINICIAN),
        "GET /portal/patients/{id_}/trends": ("/portal/patients/p07/trends", CLINICIAN),
        "GET /portal/patients/{id_}/timeline": ("/portal/patients/p07/timeline", CLINICIAN),
        "GET /portal/patients/{id_}/documents": ("/portal/patients/p07/documents", CLINICIAN),
        "POST /portal/patients/{id_}/documents": ("/portal/patients/p07/documents", NODES),
        "GET /portal/patients/{id_}/ask": ("/portal/patients/p07/ask", CLINICIAN),
        "POST /portal/patients/{id_}/ask": ("/portal/patients/p07/ask", NODES),
        "GET /portal/patients/{id_}/resources/{kind}/{rid}": (
            "/portal/patients/p07/resources/Patient/p07",
            CLINICIAN,
        ),
        "GET /portal/patients/{id_}/attachments/{kind}/{rid}/{number}": (
            "/portal/patients/p07/attachments/DocumentReference/p07-picture/0",
            CLINICIAN,
        ),
        "POST /portal/patients/{id_}/emergency": ("/portal/patients/p01/emergency", NODES),
        "GET /oauth/authorize": ("/oauth/authorize", ALL),  # of an unknown app: a page that says so
        "POST /oauth/authorize": ("/oauth/authorize", ALL),
        "GET /portal/authorize/{token}": (f"/portal/authorize/{'A' * 43}", CLINICIAN),
        "POST /portal/authorize/{token}": (f"/portal/authorize/{'A' * 43}", NODES),
        "POST /portal/authorize/{token}/patient": (f"/portal/authorize/{'A' * 43}/patient", NODES),
        "POST /portal/patients/{id_}/launch": ("/portal/patients/p07/launch", NODES),
        "GET /portal/apps": ("/portal/apps", CLINICIAN),
        "POST /portal/apps/{id_}/end": (f"/portal/apps/{ID}/end", NODES),
        "GET /portal/clients": ("/portal/clients", {"operator"}),
        "POST /portal/clients/{id_}/revoke": ("/portal/clients/x/revoke", NODES),
        "GET /portal/updates": ("/portal/updates", {"clinician", "operator"}),
        "GET /portal/updates/{id_}": (f"/portal/updates/{ID}", {"clinician", "operator"}),
        "GET /portal/lineage/{asked}": ("/portal/lineage/general@1", {"clinician", "operator"}),
        "POST /portal/updates/{id_}/approve": (f"/portal/updates/{ID}/approve", NODES),
        "POST /portal/updates/{id_}/reject": (f"/portal/updates/{ID}/reject", NODES),
        "POST /portal/updates/{id_}/retry": (f"/portal/updates/{ID}/retry", NODES),
        "POST /portal/updates/{id_}/hold": (f"/portal/updates/{ID}/hold", NODES),
        "POST /portal/updates/{id_}/go-on": (f"/portal/updates/{ID}/go-on", NODES),
        "POST /portal/updates/{id_}/roll-back": (f"/portal/updates/{ID}/roll-back", NODES),
        "GET /portal/knowledge": ("/portal/knowledge", {"clinician", "operator"}),
        "GET /portal/knowledge/{id_}": (f"/portal/knowledge/{ID}", {"clinician", "operator"}),
        **{
            f"POST /portal/knowledge/{{id_}}/{act}": (f"/portal/knowledge/{ID}/{act}", NODES)
            for act in ("approve", "refuse", "keep", "recheck")
        },
        "POST /portal/knowledge/sources/{source}/ask": ("/portal/knowledge/sources/x/ask", NODES),
        "GET /portal/users": ("/portal/users", {"admin"}),
        "GET /portal/users/export": ("/portal/users/export", {"admin"}),
        "GET /portal/users/new": ("/portal/users/new", {"admin"}),
        "GET /portal/users/{id_}": (f"/portal/users/{ID}", {"admin"}),
        "POST /portal/users": ("/portal/users", NODES),
        **{
            f"POST /portal/users/{{id_}}/{act}": (f"/portal/users/{ID}/{act}", NODES)
            for act in ("code", "role", "acts-as", "change")
        },
        "GET /portal/welcome": ("/portal/welcome", ALL),
        "POST /portal/welcome": ("/portal/welcome", NODES),
        "GET /portal/account": ("/portal/account", STAFF),
        "POST /portal/account/sign-out": ("/portal/account/sign-out", NODES),
        "POST /portal/account/password": ("/portal/account/password", NODES),
        "GET /portal/account/prove": ("/portal/account/prove", STAFF),
        "POST /portal/account/prove": ("/portal/account/prove", NODES),
        "GET /portal/audit": ("/portal/audit", {"privacy"}),
        "POST /portal/audit": ("/portal/audit", NODES),
        "GET /portal/audit/events/{seq}": ("/portal/audit/events/0", {"privacy"}),
        "GET /portal/audit/person": ("/portal/audit/person", {"privacy"}),
        "POST /portal/audit/person": ("/portal/audit/person", NODES),
        "GET /portal/audit/looks": ("/portal/audit/looks", {"privacy"}),
        "GET /portal/audit/whole": ("/portal/audit/whole", {"privacy"}),
        "POST /portal/audit/whole": ("/portal/audit/whole", NODES),
        "POST /portal/audit/export": ("/portal/audit/export", NODES),
        "GET /portal/api/audit": ("/portal/api/audit", {"privacy"}),
        "GET /portal/requests": ("/portal/requests", {"privacy"}),
        "GET /portal/requests/{id_}": ("/portal/requests/p07", {"privacy"}),
        "POST /portal/requests": ("/portal/requests", NODES),
        "POST /portal/requests/{id_}/erase": ("/portal/requests/p07/erase", NODES),
        "POST /portal/requests/referral": ("/portal/requests/referral", NODES),
        "POST /portal/requests/holds": ("/portal/requests/holds", NODES),
        "POST /portal/requests/holds/lift": ("/portal/requests/holds/lift", NODES),
        "GET /portal/contributors": ("/portal/contributors", {"clinician", "operator"}),
        "POST /portal/contributors/readmit": ("/portal/contributors/readmit", NODES),
        "POST /portal/contributors/trust": ("/portal/contributors/trust", NODES),
        "GET /portal/reviews": ("/portal/reviews", {"privacy"}),
        "POST /portal/reviews/{id_}": (f"/portal/reviews/{ID}", NODES),
        "GET /portal/api/counts": ("/portal/api/counts", READS_REFERRALS),
        "GET /portal/api/session": ("/portal/api/session", STAFF),
        "POST /portal/api/referrals/{id_}/save": (f"/portal/api/referrals/{ID}/save", NODES),
        "GET /portal/api/referrals/{id_}/summary": (
            f"/portal/api/referrals/{ID}/summary",
            READS_REFERRALS,
        ),
        "GET /portal/api/patients/{id_}/summary": ("/portal/api/patients/p07/summary", CLINICIAN),
        "POST /portal/export": ("/portal/export", NODES),
        "GET /portal/export/{id_}": ("/portal/export/p07", {"privacy"}),
    }
)
"""Changes by a session need its form token: tried without one, they let nobody in."""
CLINIC: dict[str, Row] = FRAME | EXCHANGE

MINE = {"person"}
DEVICE_CALLERS = (STRANGER, FORGED, "person")
EITHER = set(DEVICE_CALLERS)
DEVICE: dict[str, Row] = {route: (path, EITHER) for route, (path, _) in FRAME.items()} | {
    "MOUNT /static/patient": ("/static/patient/patient.css", EITHER),
    "GET /unlock": ("/unlock", EITHER),
    "POST /unlock": ("/unlock", NODES),
    "GET /recover": ("/recover", EITHER),
    "POST /recover": ("/recover", NODES),
    "POST /lock": ("/lock", NODES),  # leads to the page that unlocks, whoever asks
    "GET /": ("/", NODES),  # the pages are for a browser that was unlocked, not for a token
    "GET /history": ("/history", NODES),
    "GET /ledger": ("/ledger", NODES),
    "GET /record": ("/record", NODES),
    "GET /settings": ("/settings", NODES),
    "GET /results": ("/results", NODES),
    "GET /medicines": ("/medicines", NODES),
    "GET /visits": ("/visits", NODES),
    "GET /manifest.webmanifest": ("/manifest.webmanifest", EITHER),
    "GET /icons/{name}.png": ("/icons/icon-192.png", EITHER),
    "GET /service-worker.js": ("/service-worker.js", EITHER),
    "GET /offline": ("/offline", EITHER),  # the shell: it knows nobody
    **{  # somebody is on the device already: a further person comes with a session
        f"GET {path}": (path, NODES)
        for path in ("/start", *(f"/start/{x}" for x in ("you", "recovery", "choices", "bring")))
    },
    "POST /start/you": ("/start/you", NODES),
    "POST /start/choices": ("/start/choices", NODES),
    "GET /family": ("/family", NODES),
    "GET /recovery": ("/recovery", NODES),
    "POST /recovery/later": ("/recovery/later", NODES),
    "POST /switch": ("/switch", NODES),
    "POST /api/ask": ("/api/ask", MINE),
    "POST /api/preview": ("/api/preview", MINE),
    "POST /api/send/{preview_id}": ("/api/send/x", MINE),
    "GET /api/consults": ("/api/consults", MINE),
    "GET /api/consults/{consult}": ("/api/consults/x", MINE),
    "DELETE /api/consults/{consult}": ("/api/consults/x", MINE),
    "GET /api/previews/{preview}": ("/api/previews/x", MINE),
    "POST /api/previews/{preview}": ("/api/previews/x", MINE),
    "PUT /api/consults/{consult}/signal": ("/api/consults/x/signal", MINE),
    "DELETE /api/consults/{consult}/signal": ("/api/consults/x/signal", MINE),
    "GET /api/ledger": ("/api/ledger", MINE),
    "GET /api/profile": ("/api/profile", MINE),
    "PUT /api/profile": ("/api/profile", MINE),
    "GET /api/consent": ("/api/consent", MINE),
    "GET /api/consent/fhir": ("/api/consent/fhir", MINE),
    "POST /api/consent": ("/api/consent", MINE),
    "POST /api/consent/{consent}/withdraw": ("/api/consent/x/withdraw", MINE),
    "GET /record/back": ("/record/back", EITHER),  # knows nobody: leads back to our own page
    "GET /api/connections": ("/api/connections", MINE),
    "POST /api/connections/back/answer": ("/api/connections/back/answer", MINE),
    "POST /api/connections/{place}": ("/api/connections/x", MINE),
    "POST /api/connections/{place}/read": ("/api/connections/x/read", MINE),
    "POST /api/connections/{place}/disconnect": ("/api/connections/x/disconnect", MINE),
    "GET /api/record": ("/api/record", MINE),
    "GET /api/results": ("/api/results", MINE),
    "GET /api/medicines": ("/api/medicines", MINE),
    "POST /api/medicines": ("/api/medicines", MINE),
    "PUT /api/medicines/{id}": ("/api/medicines/x", MINE),
    "DELETE /api/medicines/{id}": ("/api/medicines/x", MINE),
    "GET /api/visits": ("/api/visits", MINE),
    "POST /api/visits": ("/api/visits", MINE),
    "GET /api/visits/{id}": ("/api/visits/x", MINE),
    "PUT /api/visits/{id}": ("/api/visits/x", MINE),
    "DELETE /api/visits/{id}": ("/api/visits/x", MINE),
    "POST /api/visits/{id}/finish": ("/api/visits/x/finish", MINE),
    "POST /api/visits/{id}/send/{place}": ("/api/visits/x/send/x", MINE),
    "POST /api/visits/{id}/take-back": ("/api/visits/x/take-back", MINE),
    "GET /api/visits/{id}/fhir": ("/api/visits/x/fhir", MINE),
    "POST /api/visit-questions": ("/api/visit-questions", MINE),
    "DELETE /api/visit-questions/{id}": ("/api/visit-questions/x", MINE),
    "GET /api/reminders": ("/api/reminders", MINE),
    "GET /api/reminders/calendar": ("/api/reminders/calendar", MINE),
    "POST /api/reminders": ("/api/reminders", MINE),
    "PUT /api/reminders/{id}": ("/api/reminders/x", MINE),
    "DELETE /api/reminders/{id}": ("/api/reminders/x", MINE),
    "PUT /api/doses/{dose}": ("/api/doses/x", MINE),
    "DELETE /api/doses/{dose}": ("/api/doses/x", MINE),
    "POST /api/record": ("/api/record", MINE),
    "GET /api/personal": ("/api/personal", MINE),
    "GET /api/personal/suggestions": ("/api/personal/suggestions", MINE),
    "POST /api/personal/versions/{version}": ("/api/personal/versions/1", MINE),
    "POST /api/personal/adapter": ("/api/personal/adapter", MINE),
    "DELETE /api/personal/adapter": ("/api/personal/adapter", MINE),
    "GET /api/export": ("/api/export", MINE),
    "POST /api/recovery": ("/api/recovery", MINE),
    "POST /api/recovery/code": ("/api/recovery/code", MINE),
    "PUT /api/recovery/code": ("/api/recovery/code", MINE),
    "POST /api/recovery/code/remove": ("/api/recovery/code/remove", MINE),
    "POST /api/passphrase": ("/api/passphrase", MINE),
    "GET /api/clinic": ("/api/clinic", MINE),
    "POST /api/clinic": ("/api/clinic", MINE),
    "POST /api/erase": ("/api/erase", MINE),
}


def routes_of(routes: Any, prefix: str = "") -> Iterator[str]:
    """Every route of an application as ``METHOD /template``, those of included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner.routes, prefix + route.include_context.prefix)
            continue
        methods = getattr(route, "methods", None) or {"MOUNT"}
        for method in sorted(methods - {"HEAD"}):
            yield f"{method} {prefix}{route.path}"


def turned_away(answer: httpx.Response) -> bool:
    """Whether a caller was not let in: refused, or led to where one signs in."""
    onward = answer.headers.get("location", "")
    led = any(onward.startswith(place) for place in ("/portal/sign-in", "/unlock"))
    unproved = answer.status_code == 400 and "error_description" in answer.text  # RFC 6749
    return answer.status_code in {401, 403} or led or unproved


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix") / "hospital"
    new_root_file(folder.parent / "root.key")
    study = {"study": "matrix", "study_key": folder.parent / "root.key"}
    made = Hospital(HospitalSettings(data=folder, second_factor="optional", **study))
    made.records.put_many(generate())
    made.records.put(
        {
            "resourceType": "ServiceRequest", "id": "theirs", "status": "active",
            "intent": "order", "subject": {"reference": "Patient/p07"},
            "performer": [{"reference": "Practitioner/me"}],
        }
    )  # fmt: skip
    for role in ROLES:
        staff = ["Practitioner/me"] if role == "clinician" else []
        made.accounts.add_user(role, PASSWORD, role, role, acts_as=staff)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def doors(hospital):
    """The hospital's application, made once."""
    return create_hospital(hospital.settings, hospital)


@pytest.fixture(scope="module")
def credentials(hospital):
    """What each caller sends: headers."""
    keys = hospital.accounts.new_key
    sent = {
        STRANGER: {},
        FORGED: {"authorization": "Bearer ctk_forged", "cookie": "caretier_portal=forged"},
        "key-chat": {"authorization": f"Bearer {keys('chat', 'chat')}"},
        "key-engine": {"authorization": f"Bearer {keys('engine', 'engine')}"},
        "key-operator": {"authorization": f"Bearer {keys('operator', 'operator')}"},
        "key-system": {"authorization": f"Bearer {keys('ehr', 'system/*.rs')}"},
        "key-write": {"authorization": f"Bearer {keys('lab', 'system/*.cud system/Basic.s')}"},
        "key-study": {"authorization": f"Bearer {keys('study', 'study')}"},
        "key-ask": {"authorization": f"Bearer {keys('ask', 'patient/*.rs ask', patient='p07')}"},
        "key-p07": {"authorization": f"Bearer {keys('app', 'patient/*.rs', patient='p07')}"},
    }
    for role in ROLES:
        sent[role] = {"cookie": f"caretier_portal={hospital.accounts.sign_in(role, PASSWORD)}"}
    return sent


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("device")
        patch.setenv("CARETIER_ANCHORS", str(folder / "anchors"))
        made = Device(DeviceSettings(data=folder / "device"))
        made.add("ana", PASSWORD)
        yield made


def test_every_route_of_the_hospital_has_its_row(doors):
    assert set(routes_of(doors.routes)) == set(HOSPITAL)


def test_every_route_of_the_clinic_has_its_row(tmp_path):
    settings = ClinicSettings(data=tmp_path / "clinic")
    clinic = Clinic(settings)
    assert set(routes_of(create_clinic(settings, clinic).routes)) == set(CLINIC)
    clinic.database.close()


def test_every_route_of_the_device_has_its_row(device):
    assert set(routes_of(create_device(device.settings, device).routes)) == set(DEVICE)


async def try_row(
    app: Any, route: str, path: str, headers: dict[str, str], address: str = "127.0.0.1"
) -> httpx.Response:
    method = route.partition(" ")[0].replace("MOUNT", "GET")
    body: dict[str, Any] = {}
    if method in {"POST", "PUT"}:
        form = path.startswith(("/portal", "/start", "/recover")) and "/api/" not in path
        body = {"data": SHAPED.get(path, {"user": "x"})} if form else {"json": SHAPED.get(path, {})}
    transport = httpx.ASGITransport(app=app, client=(address, 4000))
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        return await client.request(method, path, headers=headers, **body)


@pytest.mark.parametrize(("number", "route"), list(enumerate(HOSPITAL)), ids=list(HOSPITAL))
async def test_a_route_of_the_hospital_lets_in_who_stands_in_its_row(
    doors, credentials, number, route
):
    path, allowed = HOSPITAL[route]
    for last, caller in enumerate(CALLERS):  # tries are counted by address: each is the first
        answer = await try_row(doors, route, path, credentials[caller], f"198.18.{number}.{last}")
        assert answer.status_code < 500, (caller, answer.status_code)
        assert turned_away(answer) is (caller not in allowed), (caller, answer.status_code)


@pytest.mark.parametrize("route", CLINIC)
async def test_a_route_of_the_clinic_lets_in_who_stands_in_its_row(tmp_path, route):
    path, allowed = CLINIC[route]
    settings = ClinicSettings(data=tmp_path / "clinic")
    clinic = Clinic(settings)
    app = create_clinic(settings, clinic)
    for caller, headers in ((STRANGER, {}), (FORGED, {"authorization": "Bearer forged"})):
        answer = await try_row(app, route, path, headers)
        assert turned_away(answer) is (caller not in allowed), (caller, answer.status_code)
    clinic.database.close()


@pytest.mark.parametrize("route", DEVICE)
async def test_a_route_of_the_device_lets_in_who_stands_in_its_row(device, route):
    path, allowed = DEVICE[route]
    app = create_device(device.settings, device)
    token = (device.settings.data / "token").read_text(encoding="utf-8").strip()
    sent = {
        STRANGER: {},
        FORGED: {"authorization": "Bearer forged", "cookie": "caretier_device=forged"},
        "person": {"authorization": f"Bearer {token}"},
    }
    for caller in DEVICE_CALLERS:
        answer = await try_row(app, route, path, sent[caller])
        assert turned_away(answer) is (caller not in allowed), (caller, answer.status_code)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/Patient/p01",
        "/fhir/Patient/p01/$everything",
        "/fhir/Patient?_id=p01",
        "/fhir/Patient?identifier=x",
        "/fhir/Observation?patient=p01",
        "/fhir/Observation/p01-a1c-3",
        "/portal/patients/p01",
        "/portal/patients/p01/trends",
        "/portal/patients/p01/timeline",
        "/portal/patients/p01/documents",
        "/portal/patients/p01/ask",
        "/portal/patients/p01/resources/Observation/p01-a1c-3",
        "/portal/api/patients/p01/summary",
    ],
)
@pytest.mark.parametrize("caller", ["key-p07", "clinician"])
async def test_the_credential_of_one_patient_shows_nothing_of_another(
    hospital, doors, credentials, caller, path
):
    answer = await try_row(doors, "GET", path, credentials[caller])
    name = hospital.records.read("Patient", "p01")["name"][0]["family"]
    assert name not in answer.text
    assert "p01-" not in answer.text
    found = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    assert answer.status_code >= 300 or found.get("total") == 0


async def test_a_forged_session_in_a_query_or_header_is_none(doors, credentials):
    token = credentials["clinician"]["cookie"].partition("=")[2]
    for headers in ({"x-session": token}, {"authorization": f"Bearer {token}"}):
        answer = await try_row(doors, "GET", f"/fhir/Patient/p07?token={token}", headers)
        assert answer.status_code in {401, 403}
