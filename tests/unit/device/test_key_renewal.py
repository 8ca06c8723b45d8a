"""Keys of the tiers above are fetched once a day, with whatever else the device has to carry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.exchange import FailingAudit

from compliance.sealing import IdentityKey
from patient_app.delivery import REFRESH, Delivery
from services.consult.messages import Level
from services.exchange.errors import LinkDownError
from services.exchange.keys import NodeKeys
from services.exchange.messages import EnrolReply


class Line:
    """A clinic that gives out keys."""

    def __init__(self, *bundles):
        self.bundles, self.asked, self.fails = bundles, 0, None

    async def keys(self):
        self.asked += 1
        if self.fails:
            raise self.fails
        parent, *above = (b.model_dump(mode="json") for b in self.bundles)
        return EnrolReply(node="x", parent=parent, above=tuple(above))


@pytest.fixture
def old(member, clinic, hospital):
    """The member, with keys that are two days old."""
    then = datetime.now(UTC) - 2 * REFRESH
    member.link_to("http://clinic.test", clinic.bundle(then), hospital.bundle(then))
    return member


def issued(member):
    return {level: bundle.issued for level, bundle in member.link()[1].items()}


async def test_old_keys_are_renewed(old, clinic, hospital):
    line = Line(clinic.bundle(), hospital.bundle())
    await Delivery(old, FailingAudit(), line).once()
    assert all(datetime.now(UTC) - moment < timedelta(minutes=1) for moment in issued(old).values())
    assert set(issued(old)) == {Level.CLINIC, Level.HOSPITAL}


async def test_keys_of_today_are_not_asked_for_again(member, clinic, hospital):
    line = Line(clinic.bundle(), hospital.bundle())
    await Delivery(member, FailingAudit(), line).once()
    assert line.asked == 0


@pytest.mark.parametrize("which", ["down", "false", "fewer"])
async def test_where_it_fails_the_keys_held_stay(old, clinic, hospital, which):
    before = issued(old)
    false = NodeKeys("C", "clinic", IdentityKey.generate(), clinic.ring).bundle()
    line = {
        "down": Line(clinic.bundle(), hospital.bundle()),
        "false": Line(false, hospital.bundle()),
        "fewer": Line(clinic.bundle()),
    }[which]
    line.fails = LinkDownError("down") if which == "down" else None
    await Delivery(old, FailingAudit(), line).once()
    assert line.asked == 1
    assert issued(old) == before
