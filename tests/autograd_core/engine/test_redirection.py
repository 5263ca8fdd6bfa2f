"""Functions whose calls are led through others."""

import pytest

from autograd_core.engine.redirection import redirect, restore


def test_debuggers_read_the_frames_of_closures():
    number = 3

    def closure():
        return number

    def way(function):
        raise KeyError(function())

    redirect(closure, way)
    with pytest.raises(KeyError, match="3") as caught:
        closure()
    restore(closure, way)
    assert 3 in [value for entry in caught.traceback[1:2] for value in entry.locals.values()]
    assert closure() == 3
