"""Experts: which parts of the hierarchy take a question.

Today the rule matrix of `services.consult.route` names the experts of a tier. The registry that
experts are pushed to and popped from, the planner and the second opinion belong here.
"""
