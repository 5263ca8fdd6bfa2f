"""What every test shares."""

import gc

from hypothesis import Phase, settings

# The same examples on every machine and in every run, and no deadline, because a shared machine may stall. What fails
# is not shrunk: cases of the suite are small as they are, and finding smaller ones takes minutes.
# `--hypothesis-profile=explore` looks for new ones, a thousand for every property.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None,
                          phases=(Phase.explicit, Phase.generate))  # fmt: skip
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("repeatable")
OWN = "_hypothesis_internal_use_settings"


def pytest_collection_modifyitems(config, items):
    """Let the profile's number of examples hold for tests that ask for fewer to be quick."""
    if config.getoption("--hypothesis-profile", None) != "explore":
        return
    for item in items:
        function = getattr(item.obj, "__func__", item.obj)
        for owner, name in ((function, OWN), (getattr(item, "cls", None), "settings")):
            own = getattr(owner, name, None)
            if isinstance(own, settings):
                setattr(owner, name, settings(own, max_examples=max(own.max_examples, 1000)))


def pytest_collection_finish(session):
    """Keep thousands of collected tests out of the garbage collector's rounds, an eighth of the time of a run."""
    gc.collect()
    gc.freeze()
