"""Differential privacy of what is learned: how much a node has given away, and how much is left.

Workflow. Training clips what each example (or each update) may change and adds Gaussian noise;
`accountant.py` says what that costs, by Rényi differential privacy of the sampled Gaussian
mechanism (Mironov, Talwar and Zhang 2019, for integer orders). `ledger.py` sums it per node over
all rounds, in a file that is written before a contribution leaves: what cannot be written down is
not sent, and a node whose budget is spent trains no more.
"""

from services.learning.privacy.accountant import epsilon_of, noise_for
from services.learning.privacy.ledger import PrivacyLedger, Spending

__all__ = ["PrivacyLedger", "Spending", "epsilon_of", "noise_for"]
