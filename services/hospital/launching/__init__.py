"""The portal as a SMART app: a clinician opens it from a patient's chart in their own EHR.

    launching = Launching(settings.launch_ehrs, outbound, database, records, pending, auditor)
    sent = await launching.begin(iss, launch, redirect)
    # the browser keeps sent.cookie, goes to sent.url, and comes back to `redirect` with a query
    arrived = await launching.finish(sent.cookie, query, redirect)

Who the EHR says it is must have an account here that an operator linked (`Links`); the patient in
context is found here or nobody's chart is opened (`LaunchedPatients`). A launch opens nothing by
itself: the second factor and the treatment relation stand where they stood.
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
