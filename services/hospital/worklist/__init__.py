"""The clinicians' worklist: what waits, for whom, and who holds it.

    worklist = Worklist(database, desk.open, Waits(emergency=15))
    listing = worklist.page(Filters(show="mine", urgency="urgent"), user.id)
    worklist.neighbours(referral, filters, user.id)        # before and after it, in that list
    done = holding.act(Wish("take"), [(referral, version)], user)   # audited
    holding.undo(done.batch, user)
    holding.history(referral)                              # who held it, and their notes

Lists and counts are answered from the table's index; texts are opened for the rows of one page.
"""

from services.hospital.worklist.acts import ACTS, LONGEST_NOTE, LONGEST_SNOOZE, Act, Wish
from services.hospital.worklist.filters import FACETS, SORTS, URGENCIES, Filters
from services.hospital.worklist.holding import Done, Held, Holding, Texts, keep
from services.hospital.worklist.listing import PAGE, Line, Listing, Neighbours, News, Worklist
from services.hospital.worklist.tally import Tally
from services.hospital.worklist.waits import Waits

__all__ = [
    "ACTS",
    "FACETS",
    "LONGEST_NOTE",
    "LONGEST_SNOOZE",
    "PAGE",
    "SORTS",
    "URGENCIES",
    "Act",
    "Done",
    "Filters",
    "Held",
    "Holding",
    "Line",
    "Listing",
    "Neighbours",
    "News",
    "Tally",
    "Texts",
    "Waits",
    "Wish",
    "Worklist",
    "keep",
]
