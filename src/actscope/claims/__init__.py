"""The statements of the seed documents that can be checked: one file each."""

from actscope.claims._base import Claim, Outcome, Verdict
from actscope.claims._ledger import Ledger, ledger
from actscope.claims._lookup import SHELF, claim

__all__ = ["SHELF", "Claim", "Ledger", "Outcome", "Verdict", "claim", "ledger"]
