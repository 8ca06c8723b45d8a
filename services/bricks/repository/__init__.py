"""The signed repository that bricks are published in (The Update Framework, by python-tuf).

Four roles sign it. *Root* says whose keys count; its keys lie with people, offline, and two of
three have to sign. *Targets* says who may publish which level and domain, and which bricks were
taken back. Each delegation (``device-cardiology``) signs the manifests of its bricks. *Snapshot*
and *timestamp* bind all of that into one state and say that it is recent; the hospital's machine
signs them by itself.

    keys = KeyRing([stick, data / "repository-keys"], ask)
    repository = Repository(data / "repository")
    init(repository, KeyMaker(ask_new), plans, keys)
    delegate(repository, KeyMaker(ask_new), plan, keys, level="device", domain="cardiology")
    publish(repository, store, keys, "heart-style@1")
    revoke(repository, keys, "heart-style@1", "Wrong dose in a leaflet.")

People who hold keys in different places sign one change one after another (`proposals`). Beside
their keys lies the first root (``root.json``): keys sign for no repository that does not descend
from it, and nothing that is not signed itself is ever signed over (`reading`).

A change is written file by file under new names; only the last one, ``timestamp.json``, makes it
visible. A run that breaks off leaves the state as it was.
"""

from __future__ import annotations

REPOSITORY = "repository"
"""Folder of the repository below the hospital's data folder."""
ONLINE_KEYS = "repository-keys"
"""Folder of the keys that the hospital's machine signs with by itself, beside it."""
