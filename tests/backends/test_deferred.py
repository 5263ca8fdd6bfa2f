import pytest

from backends.deferred import Deferred


def test_a_library_is_imported_with_its_first_function():
    library = Deferred("colorsys", wrap=lambda function: lambda *args: ("wrapped", function(*args)))
    assert library.rgb_to_yiq(0, 0, 0) == ("wrapped", (0, 0, 0))
    assert "rgb_to_yiq" in vars(library)


def test_what_it_lacks_is_named():
    with pytest.raises(NotImplementedError, match="math has no function 'airy'; compute it on the CPU"):
        Deferred("math").airy
