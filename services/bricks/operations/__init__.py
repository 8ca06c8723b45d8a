"""Operations on bricks: make, find, update, merge, grow, retire.

Workflow. Content lies in a folder: a pack (`packs`), a PEFT adapter (`adapters`). `make` puts it
into a store as version 1 of a brick, `update` as the next version, `grow` as a new brick of a
narrower field under a parent, `merge` joins several bricks into one, `retire` ends one or takes
topics out of it, `find` says which brick fits a need, and why the others do not. Each of them
measures first (`evaluate`, `probes`), refuses what is not better unless somebody says why it is
taken all the same, and leaves a manifest with lineage and evaluation. No operation changes a brick
that is there.

    shop = Workshop(BrickStore(data / "bricks"), Embedder.load)
    made = make(shop, content_of(shop, Path("leaflets")), {"id": "leaflets", "domain": "general"})
    done = update(shop, "leaflets", content_of(shop, Path("leaflets-2027")))
    done.manifest.ref, done.moved               # 'leaflets@2', bytes that a node fetches for it
"""
