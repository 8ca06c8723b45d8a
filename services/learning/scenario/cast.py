"""Who takes part: a hospital, three clinics, one hostile site."""

from __future__ import annotations

from pathlib import Path

import yaml

from services.learning.policy import Policy
from services.learning.scenario.clinic import Clinic
from services.learning.scenario.facts import SUITE, facts
from services.learning.scenario.parent import Parent

POLICY = Path(__file__).with_name("policy.yaml")


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
        self.parent = Parent(folder / "hospital", self.policy, suites)
        names = ("east", "west", "north", "hostile")
        self.east, self.west, self.north, self.hostile = (self._site(folder, n) for n in names)
        self.clinics = (self.east, self.west, self.north)
        self.sites = (*self.clinics, self.hostile)
        self.parent.enrol([site.key.public for site in self.sites])

    def _site(self, folder: Path, name: str) -> Clinic:
        repository = self.parent.repository.layout.folder
        return Clinic(name, folder / name, self.policy, repository)

    def close(self) -> None:
        """Close every database."""
        for site in self.sites:
            site.close()
        self.parent.close()
