"""Fourier transforms and windows: what the generated suite cannot say."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.signal import windows

X = [1.0, -2.0, 3.0, 0.5, 4.0, -1.0, 2.0, 0.25]


@pytest.mark.parametrize("n", [7, 8])
@pytest.mark.parametrize("norm", [None, "forward", "ortho"])
@pytest.mark.parametrize("there, back", [("fft", "ifft"), ("rfft", "irfft"), ("ihfft", "hfft"), ("rfftn", "irfftn")])
def test_transforms_have_inverses(there, back, norm, n):
    x = ag.tensor(X[:n], dtype="float64")
    spectrum = getattr(ag.fft, there)(x, norm=norm)
    size = {"s": (n,)} if there.endswith("n") else {"n": n}
    assert getattr(ag.fft, back)(spectrum, norm=norm, **size).real.tolist() == pytest.approx(X[:n])


def test_precision_is_kept_and_integers_become_floats():
    for dtype, expected in (
        ("float32", "complex64"),
        ("float64", "complex128"),
        ("int64", "complex64"),
        ("float16", "complex64"),
        ("bfloat16", "complex64"),
    ):
        x = ag.ones(4, dtype=dtype)
        assert ag.fft.fft(x).dtype == ag.fft.rfft(x).dtype == expected
    assert ag.fft.irfft(ag.ones(3, dtype="complex64")).dtype == "float32"


REFUSED = [
    (lambda x: ag.fft.fft(x, n=0), "cannot transform"),
    (lambda x: ag.fft.fft(x, norm="both"), "norm must be"),
    (lambda x: ag.fft.fftn(x, s=(2, 2, 2)), "more lengths"),
    (lambda x: ag.fft.fftn(x, s=(2, 2), dim=0), "the same length"),
    (lambda x: ag.fft.fft2(x, dim=(0, -2)), "twice"),
    (lambda x: ag.fft.rfft(x * 1j), "takes real numbers"),
    (lambda x: ag.fft.irfft(x[:, :1]), "cannot transform 0 points"),
    (lambda x: ag.stft(x, 2, 1), "return_complex=True"),
    (lambda x: ag.stft(x, 2, 1, window=ag.ones(3), return_complex=True), r"the shape \(2,\)"),
    (lambda x: ag.stft(x, 9, hop_length=1, center=False, return_complex=True), "more than the 3 points"),
    (lambda x: ag.stft(x * 1j, 2, hop_length=1, onesided=True), "onesided=False"),
    (lambda x: ag.istft(x, 2, 1), "takes complex numbers"),
    (lambda x: ag.istft(x * 1j, 2, hop_length=2, win_length=1), "add up to 0"),
    (lambda x: ag.istft(x * 1j, 8, hop_length=2), "do not fit n_fft=8"),
]


@pytest.mark.parametrize("f, error", REFUSED, ids=[error for _, error in REFUSED])
def test_what_makes_no_sense_is_refused(f, error):
    with pytest.raises(RuntimeError, match=error):
        f(ag.ones(2, 3))


@pytest.mark.parametrize("options", [{}, {"normalized": True}, {"onesided": False}, {"center": True, "win_length": 3}])
def test_a_signal_comes_back_from_its_short_time_spectra(options):
    x = ag.tensor(X, dtype="float64")
    window = windows.hamming(options.get("win_length", 4), sym=False, dtype="float64")
    spectra = ag.stft(x, 4, 1, window=window, return_complex=True, **options)
    assert ag.istft(spectra, 4, 1, window=window, length=len(X), **options).tolist() == pytest.approx(X)


def test_pairs_of_real_numbers_instead_of_complex_ones():
    x = ag.tensor(X)
    pairs = ag.stft(x, 4, return_complex=False)
    assert pairs.shape == (3, 9, 2)
    assert ag.view_as_complex(pairs).tolist() == ag.stft(x, 4, return_complex=True).tolist()


WINDOWS = [
    (windows.hann(5), [0, 0.5, 1, 0.5, 0]),
    (windows.hamming(3), [0.08, 1, 0.08]),
    (windows.blackman(3), [0, 1, 0]),
    (windows.bartlett(5), [0, 0.5, 1, 0.5, 0]),
    (windows.cosine(1), [1]),
    (windows.cosine(2), [math.sqrt(0.5)] * 2),
    (windows.exponential(3), [math.exp(-1), 1, math.exp(-1)]),
    (windows.exponential(3, center=0, sym=False), [1, math.exp(-1), math.exp(-2)]),
    (windows.gaussian(3), [math.exp(-0.5), 1, math.exp(-0.5)]),
    (windows.kaiser(3, beta=1.0), [1 / 1.2660658777520084, 1, 1 / 1.2660658777520084]),
    (windows.nuttall(3), [0.0003628, 1, 0.0003628]),
    (windows.general_cosine(3, a=[0.5, 0.5]), [0, 1, 0]),
    (windows.hann(0, layout=ag.strided), []),
    (windows.hann(1.0), [1]),
    (windows.hann(ag.tensor(1.0)), [1]),
    (windows.bartlett(ag.tensor([3])), [0, 1, 0]),
    (ag.hann_window(4), [0, 0.5, 1, 0.5]),
    (ag.hann_window(3, periodic=False, layout=ag.strided), [0, 1, 0]),
    (ag.hamming_window(2, True, 0.6, 0.4), [0.2, 1]),
    (ag.blackman_window(2), [0, 1]),
    (ag.bartlett_window(4), [0, 0.5, 1, 0.5]),
    (ag.kaiser_window(2, beta=1.0), [1 / 1.2660658777520084, 1]),
]


@pytest.mark.parametrize("window, expected", WINDOWS, ids=range(len(WINDOWS)))
def test_windows(window, expected):
    assert window.dtype == np.float32
    assert window.tolist() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name, given", [
    ("hann", {"M": -1}), ("gaussian", {"M": 3, "std": 0}), ("exponential", {"M": 3, "tau": -1.0}),
    ("exponential", {"M": 3, "center": 1}), ("kaiser", {"M": 3, "beta": -1.0}), ("hann", {"M": 3, "dtype": int}),
    ("general_cosine", {"M": 3, "a": []}), ("hann", {"M": 3, "layout": "sparse_coo"}),
], ids=str)  # fmt: skip
def test_windows_that_do_not_exist(name, given):
    with pytest.raises(ValueError, match=r"negative|positive|center|floating|coefficient|strided"):
        getattr(windows, name)(**given)


def test_windows_have_whole_lengths():
    with pytest.raises(RuntimeError, match="must not be negative"):
        windows.kaiser(-4)
    with pytest.raises(TypeError, match=r"the length of a window is an integer, not 4\.5"):
        windows.kaiser(4.5)


def test_frequencies():
    assert ag.fft.fftfreq(5, 0.5).tolist() == pytest.approx([0, 0.4, 0.8, -0.8, -0.4])
    assert ag.fft.fftfreq(4).tolist() == [0, 0.25, -0.5, -0.25]
    assert ag.fft.rfftfreq(4, dtype="float64").tolist() == [0, 0.25, 0.5]
