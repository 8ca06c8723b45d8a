"""The hospital's audit trail as privacy officers look through it.

`Explorer` searches it (`compliance.audit.index`), checks it in the background, and finds what may
be worth a look (`services.hospital.explorer.looks`). That somebody looks is written to the trail
first, by the pages of the portal.
"""

from services.hospital.explorer.checking import CheckState
from services.hospital.explorer.explorer import Explorer
from services.hospital.explorer.looks import Look

__all__ = ["CheckState", "Explorer", "Look"]
