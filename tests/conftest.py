"""What every test shares."""

import gc
import math
from collections import Counter

import pytest
from hypothesis import Phase, settings

# The same examples on every machine and in every run, and no deadline, because a shared machine may stall. What fails
# is not shrunk: cases of the suite are small as they are, and finding smaller ones takes minutes.
# `--hypothesis-profile=explore` looks for new ones.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.register_profile("explore", deadline=None, database=None, print_blob=True)
settings.load_profile("repeatable")
EXPLORED = 1000  # examples of a property


@pytest.hookimpl(trylast=True)  # of what is selected
def pytest_collection_modifyitems(config, items):
    """Share a property's examples among its parameters, each of which has no fewer than in every run."""
    if config.getoption("--hypothesis-profile", None) != "explore":
        return
    properties = Counter(_settings_of(item) for item in items if item.get_closest_marker("hypothesis"))
    for (owner, name), count in properties.items():
        own = getattr(owner, name)
        setattr(owner, name, settings(own, max_examples=max(own.max_examples, math.ceil(EXPLORED / count))))


def _settings_of(item):
    """Where Hypothesis keeps the settings of a test: its function, or the class that runs a state machine."""
    machine = getattr(item.cls, "settings", None)
    return (item.cls, "settings") if machine else (item.obj, "_hypothesis_internal_use_settings")


def pytest_collection_finish(session):
    """Keep thousands of collected tests out of the garbage collector's rounds, an eighth of the time of a run."""
    gc.collect()
    gc.freeze()
