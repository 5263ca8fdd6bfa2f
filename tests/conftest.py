"""What every test shares."""

from hypothesis import settings

# The same examples on every machine and in every run, and no deadline, because a shared machine may stall.
# `--hypothesis-profile=explore` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("repeatable")
