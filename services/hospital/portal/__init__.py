"""The portal: where a clinician reads referrals, edits the draft, and signs the reply.

Workflow. A person signs in (`access`), and sees the inbox with the most urgent referrals first.
Opening one is written to the audit trail before anything of it is shown. The page has the
patient's words on one side, and on the other the reply, prefilled with the draft, with the sources
of each sentence below. What is typed is saved by itself, counted by versions, so that nobody
overwrites somebody else's text; it also stays in the browser's tab until it is signed. The draft
stands sentence by sentence with what carries it (`drafts`); what of the record stands against it
comes first, and a sentence is marked as draft until somebody edits it. Signing sends: the text must
hold no placeholder that the question does not hold (`placeholders`), and the desk audits, signs and
seals it.

Pages are server-rendered in English or Spanish; their modules put text in as text only, so that a
content policy without inline script or style holds. A clinician reads, saves and signs, and opens
charts of the hospital's own record (`charts`), files a reply in one (`filing`), takes up red flags
of intakes (`intakes`), and lets apps in or turns them out (`apps`); a privacy officer reads
referrals; an operator sees the system page and the registered programs (`clients`) alone. `launch`
is the way in from a chart in an outside EHR.

    router = portal_router(accounts, desk, secure_cookies=True, audit_read=audit_read)
    join(app, router)
    mount_static(app, portal=STATIC)
"""

from services.hospital.portal.access import COOKIE
from services.hospital.portal.routes import portal_router
from services.hospital.portal.views import STATIC

__all__ = ["COOKIE", "STATIC", "portal_router"]
