"""Bricks: the named, versioned modules of the hierarchy.

This package holds the knowledge bricks: packs of topics, written as Markdown, each a set of typed
sections whose sentences can be quoted by themselves. A node loads the topics of its own tier and
below, and only the titles of those above it, so that it knows whom to ask.

    knowledge = Knowledge.load(level="device")
    index = KnowledgeIndex(knowledge, Embedder.load())
    hits = index.search("what are the signs of asthma", k=3)
    hits[0].passage.id                                     # 'asthma#symptoms'
"""
