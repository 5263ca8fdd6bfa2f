"""The tables of polynomials are those that the script makes."""

from pathlib import Path

import pytest

mp = pytest.importorskip("mpmath")

from backends.generic.special_functions import fit, tables  # noqa: E402  # only where mpmath is

# Not those of K beyond ¾: ten seconds each.
QUICK = (
    "ERFCX", "ERFCX_SLOPE", "NDTR_NEAR", "GELU_SLOPE", "ERFINV_FAR", "LGAMMA_LOW", "I0_NEAR", "I1_SLOPE_FAR", "K1_LOG",
    "J1_NEAR", "Y0_NEAR", "Y1_NEAR", "BESSEL1_AMPLITUDE", "AIRY_SLOPE_DECAY", "AIRY_EXACT", "AIRY_SLOPE_PHASE",
)  # fmt: skip


def test_tables_hold_what_the_script_prints(monkeypatch, capsys):
    monkeypatch.setattr(fit, "FITS", {name: fit.FITS[name] for name in QUICK})
    with mp.workdps(15):
        fit.main()
    head, *printed = capsys.readouterr().out.split("\n# ")
    held = Path(tables.__file__).read_text()
    assert held.startswith(head)
    assert len(printed) == len(QUICK) + 1
    assert all(part.strip() in held for part in printed)


def test_tables_are_all_there_is():
    assert set(fit.FITS) == {name for name in vars(tables) if name.isupper()}
