"""Decision support for the hospital's EHR: what the services of `services.fhir.cds` say.

Workflow. `ehrs` holds the EHRs that may call. On an order, `drafts` reads what is ordered, `record`
what the call brought of the patient, `names` which medicines that is; `findings` and `duplicates`
ask the rules of medicine safety (``services.consult.record``), `kidney` fills in a filtration rate,
and `orders` makes cards, each with its source and the entry that it fired on (`evidence`), worded
and ranked by ``data/hazards.yaml``. `view` tells what waits for a patient, `discharge` drafts plain
instructions. `ledger` chooses what is shown and remembers what came of it, without naming anybody.

    cds = Cds(database, key, auditor, outbound, lambda: knowledge)
    app.include_router(cds_router(lambda: cds.hooks, cds.admit))
    for signal in cds.signals():          # which warnings were accepted, which overridden, and why
        learn(signal)
"""

from services.hospital.cds.ledger import Signal
from services.hospital.cds.service import Cds

__all__ = ["Cds", "Signal"]
