"""The advisor: which model of the hierarchy fits a need and a machine, and why others do not.

Today a node's engine is chosen by its settings (`services.engines.settings`); what its words may be
used for stands on its card. The catalogue of models and the hardware probe belong here.
"""
