"""Fetching bricks: trusted, resumed, switched at once, and taken back.

A repository is followed with python-tuf: from a root that the node trusts since it enrolled, every
piece of metadata, every manifest and, named by its manifest, every file is checked before it is
used. Files come in parts that go on where they stopped. What is in use changes at one stroke, and
the version before stays as the last good one: it comes back when the publisher takes the later one
back, when an operator says so, or when a clinical measure got worse (`Installed.fall_back`).

    source = HttpSource("https://clinic.example.org/bricks", authorise)   # or FolderSource(folder)
    updater = Updater(data / "bricks", source)
    updater.client.trust(root)                        # once, at enrolment
    updater.pull("heart-style")                       # Pulled(ref="heart-style@3", moved=…, …)
    updater.installed.active()                        # {"heart-style": 3}

Below a node's folder of bricks: ``installed.json`` (what is in use), ``trust`` (the root and the
metadata seen), ``parts`` (on their way); the store's own places stand in `services.bricks.store`.
A clinic's copy for its devices is a `Mirror`.
"""
