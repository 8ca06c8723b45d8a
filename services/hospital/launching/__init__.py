"""The portal as a SMART app: a clinician opens it from a patient's chart in their own EHR.

Workflow. The EHR sends the browser here; if it is one with which launches are agreed (`ehrs`), the
browser goes to its authorization server and comes back with a code and an ID token. Who the EHR
says it is must have an account here that an operator linked (`links`); the patient in context is
found here or nobody's chart is opened (`patients`). A launch opens nothing by itself: the second
factor and the treatment relation stand where they stood.

    launching = Launching(settings.launch_ehrs, outbound, database, records, pending, auditor)
    sent = await launching.begin(iss, launch, redirect)
    # the browser keeps sent.cookie, goes to sent.url, and comes back to `redirect` with a query
    arrived = await launching.finish(sent.cookie, query, redirect, client)
"""

from services.hospital.launching.errors import (
    EhrTroubleError,
    LaunchRefusedError,
    NotLinkedError,
    UnknownEhrError,
)
from services.hospital.launching.service import METHOD, Arrived, Launching, Sent

__all__ = [
    "METHOD",
    "Arrived",
    "EhrTroubleError",
    "LaunchRefusedError",
    "Launching",
    "NotLinkedError",
    "Sent",
    "UnknownEhrError",
]
