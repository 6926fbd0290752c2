import pytest

from actscope.study import Study


def small(**changes):
    """A study of seconds: 2 activations, 2 learning rates, 6 seeds, 20 epochs."""
    fields = {
        "activation": ["relu", "tanh"],
        "lr": [0.05, 0.5],
        "epochs": 20,
        "points": 80,
        "width": 4,
        "seeds": 6,
        "curve": 4,
    }
    return Study(**(fields | changes))


@pytest.fixture(scope="session")
def study():
    return small


@pytest.fixture(scope="session")
def stored(tmp_path_factory):
    """A folder with a finished small study; not to be written to."""
    folder = tmp_path_factory.mktemp("study") / "small"
    small(trace={"metrics": ["effective_rank", "test_accuracy"]}).run(folder)
    return folder
