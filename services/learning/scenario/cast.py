"""Who takes part: a hospital, three clinics, one hostile site."""

from __future__ import annotations

from pathlib import Path

import yaml

from compliance.sealing import IdentityKey
from services.learning.policy import Policy
from services.learning.scenario.clinic import Clinic
from services.learning.scenario.facts import SUITE, facts
from services.learning.scenario.parent import Parent

POLICY = Path(__file__).with_name("policy.yaml")
SITES = ("east", "west", "north", "hostile")


class Cast:
    """All of them, with nothing learned yet.

    Args:
        folder: of all state; it must not be there.
    """

    def __init__(self, folder: Path) -> None:
        self.policy = Policy.load(POLICY)
        suites = folder / "suites"
        suites.mkdir(parents=True)
        told = facts().suite().model_dump(mode="json", exclude={"name"})
        (suites / f"{SUITE}.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
        keys = {name: IdentityKey.generate() for name in SITES}
        public = [key.public for key in keys.values()]
        self.parent = Parent(folder / "hospital", self.policy, suites, public)
        repository = self.parent.repository.layout.folder
        self.east, self.west, self.north, self.hostile = (
            Clinic(name, folder / name, key, self.policy, repository) for name, key in keys.items()
        )
        self.clinics = (self.east, self.west, self.north)
        self.sites = (*self.clinics, self.hostile)

    def close(self) -> None:
        """Close every database."""
        for site in self.sites:
            site.close()
        self.parent.close()
