"""A site on this machine and a hospital that may ask it."""

from __future__ import annotations

import pytest

from tests.support.knowledge_sources import House, Site, label, labels, listed, served


@pytest.fixture
async def site():
    """A site that gives three labels."""
    async with served(Site()) as running:
        running.given["/labels.json"] = labels(
            label(), label("Brimolate", 2), label("Quellidan", 3)
        )
        yield running


@pytest.fixture
def open_house(tmp_path):
    """Opens houses; closes them at the end."""
    made = []

    def open_(*entries, **more):
        folder = tmp_path / f"house-{len(made)}"
        folder.mkdir()
        made.append(House(folder, *entries, **more))
        return made[-1]

    yield open_
    for house in made:
        house.close()


@pytest.fixture
def house(site, open_house):
    """A hospital with the labels of the site listed."""
    return open_house(listed(site.origin))
