"""The consult: one path for a question, run by every tier.

    triage → route → ground → draft → judge → answer | refer | abstain

`Node` is the only notion of a tier: a level, the knowledge of that level, an engine or none, and
the name of the tier above. Triage runs first: its rules wait for no model, and the reader can only
raise what they say. Grounding makes a question ready (`asked`), chooses among the passages by the
matcher (`choose`) and lets the best answer if the fitted model is sure enough (`answerable`); the
person's own record answers before that what is asked of it (`record`). The draft is the sources'
own sentences unless the engine may write; the judge lets through only what a source carries. What a
node cannot answer well it refers, and what nobody holds it says it does not know.

    node = Node.open("device")
    async for event in node.consult(Question(text="What are the signs of asthma?")):
        print(event)                                 # Triage, Step…, Sentence…, and last an Outcome
"""
