"""The advisor: which model of the hierarchy fits a need and a machine, and why others do not.

Workflow. `hardware.probe` looks at the machine; `pace.measured` tries two models on it, once a
month, and works out from them how quickly any other would run. `catalogue` holds the models that
are known, each with its shape, its files and what was published of it; `memory` says what a shape
takes with a context. `need.Tree` finds where a need said in words belongs: language, domain,
sub-domain, tier. `advise.advise` judges every model in its best form (`choice`), ranks those that
nothing speaks against by their published medical score, and gives the reasons against the others.
`fetch.Shelves` brings a chosen one here from what the site has. `rehearse` measures a model before
it is here, by a stand-in of its shape with random weights.

    advice = advise(Wish(need="asthma questions, in Spanish", seconds=20), tree=tree)
    advice.recommended[0].model.id
    advice.rejected[0].against
"""
