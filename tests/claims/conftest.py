import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for claim_cases, which several tests read


@pytest.fixture(scope="session")
def made():
    """A verdict a claim on made data: {name: verdict}, each the first of its cases."""
    from claim_cases import all_cases

    from actscope.claims import claim

    return {
        name: claim(name).judge(next(iter(cases.values()))) for name, cases in all_cases().items()
    }
