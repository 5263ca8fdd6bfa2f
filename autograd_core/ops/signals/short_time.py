"""Short-time Fourier transforms: spectra of a moving window, and their inverse."""

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import holds
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops.pointwise.complex_numbers import view_as_real
from autograd_core.ops.signals.fourier import complex_values
from autograd_core.ops.signals.transforms import fft, ifft, irfft, rfft
from autograd_core.registry import composition, sample

LEAST = 1e-11  # the least sum of windows, as in PyTorch


def _lengths(name, n_fft, hop_length, win_length, window):
    """Hop and window length, by default a quarter of the transform and all of it."""
    hop, width = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    if n_fft < 1 or hop < 1 or not 0 < width <= n_fft:
        raise OperandError(f"{name}() needs n_fft, hop_length and win_length above 0, and win_length of at most n_fft, "
                           f"not {n_fft}, {hop} and {width}")
    if window is not None and window.shape != (width,):
        raise OperandError(f"{name}(): window must have the shape ({width},), not {window.shape}")
    return hop, width


def _centred(window, width, n_fft, like):
    """The window, by default of ones, centred in `n_fft` points."""
    if window is None:
        window = functional.ones(width, dtype=like.array.real.dtype, device=like.device)
    before = (n_fft - width) // 2
    return functional.pad_constant(window, widths=((before, n_fft - width - before),)) if width < n_fft else window


def _signals(name, input, axes):
    if input.ndim not in (axes, axes + 1):
        raise OperandError(f"{name}() takes a tensor of {axes} axes, or {axes + 1} for several signals, not one of "
                           f"shape {input.shape}")
    return input.unsqueeze(0) if input.ndim == axes else input


def _slow_stft(x, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect",
               normalized=False, onesided=None, return_complex=True, align_to_window=None):
    hop, width = hop_length or n_fft // 4, win_length or n_fft
    window = np.ones(width) if window is None else window
    rows = x if x.ndim == 2 else x[None]
    before = (n_fft - width) // 2
    lead = n_fft // 2 if center else before if align_to_window else 0
    tail = lead if center or not align_to_window else n_fft - width - before
    rows = np.pad(rows, ((0, 0), (lead, tail)), pad_mode if center else "constant")
    onesided = not np.iscomplexobj(rows) and not np.iscomplexobj(window) if onesided is None else onesided
    out = np.zeros((len(rows), n_fft // 2 + 1 if onesided else n_fft, (rows.shape[1] - n_fft) // hop + 1), complex)
    for b, k, t in np.ndindex(out.shape):
        part = rows[b, t * hop + before : t * hop + before + width] * window
        out[b, k, t] = np.sum(part * np.exp(-2j * np.pi * k * (np.arange(width) + before) / n_fft))
    out = out * n_fft**-0.5 if normalized else out
    out = out if x.ndim == 2 else out[0]
    return out if return_complex else np.stack([out.real, out.imag], -1)


@composition(MATMUL,
             samples=(sample((6,), n_fft=4, return_complex=True),
                      sample((2, 7), 4, 2, 3, np.array([0.5, 1.0, 0.7]), center=False, normalized=True,
                             return_complex=True),
                      sample((5,), 3, hop_length=2, pad_mode="constant", onesided=False, return_complex=True),
                      sample((8,), 4, 3, 2, center=False, align_to_window=True, return_complex=True),
                      sample((2, 0), 2, hop_length=1, pad_mode="constant", return_complex=True)),
             reference=_slow_stft)
def stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect",
         normalized=False, onesided=None, return_complex=None, align_to_window=None):
    """Short-time Fourier transform of signals (L) or (B, L): (B, frequencies, frames).

    n_fft: length of each transform; hop_length: distance of frames; window: of win_length points. center: frame t is
    centred at t·hop_length, and the signal padded with `pad_mode`. onesided: omit redundant frequencies, the default
    for real signals. return_complex must be True for those, or False for pairs of real numbers.
    """
    hop, width = _lengths("stft", n_fft, hop_length, win_length, window)
    of_complex = input.dtype.kind == "c" or (window is not None and window.dtype.kind == "c")
    if return_complex is None and not of_complex:
        raise OperandError("stft() of real signals needs return_complex=True; use view_as_real() for pairs")
    if onesided and of_complex:
        raise OperandError("stft(): complex signals or windows have no symmetric spectrum; use onesided=False")
    signals = _framed(_signals("stft", input, 1), n_fft, width, center, pad_mode, align_to_window)
    if signals.shape[1] < n_fft:
        raise OperandError(f"stft(): n_fft={n_fft} is more than the {signals.shape[1]} points of the padded signal")
    frames = functional.unfold(signals, dimension=1, size=n_fft, step=hop) * _centred(window, width, n_fft, input)
    y = (fft if of_complex or onesided is False else rfft)(frames, norm="ortho" if normalized else None)
    y = functional.transpose(y, 1, 2)
    y = y if input.ndim == 2 else y.squeeze(0)
    return y if return_complex is not False else view_as_real(y)


def _framed(signals, n_fft, width, center, pad_mode, align_to_window):
    """The signals padded so that frames begin at the right places."""
    if center:
        if align_to_window is not None:
            raise OperandError("stft(): align_to_window is for center=False")
        half = n_fft // 2
        return functional.pad(signals.unsqueeze(0), (half, half), pad_mode).squeeze(0)
    if not align_to_window or width == n_fft:
        return signals
    before = (n_fft - width) // 2
    return functional.pad_constant(signals, widths=((0, 0), (before, n_fft - width - before)))


def _slow_istft(x, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None,
                length=None, return_complex=False):
    hop, width = hop_length or n_fft // 4, win_length or n_fft
    before = (n_fft - width) // 2
    window = np.pad(np.ones(width) if window is None else window, (before, n_fft - width - before))
    frames = (x if x.ndim == 3 else x[None]).transpose(0, 2, 1) * (n_fft**0.5 if normalized else 1)
    pieces = np.fft.ifft(frames, axis=-1) if return_complex else np.fft.irfft(frames[..., : n_fft // 2 + 1], n_fft)
    total = n_fft + hop * (frames.shape[1] - 1)
    out, weight = np.zeros((len(frames), total), pieces.dtype), np.zeros(total, window.dtype)
    for t in range(frames.shape[1]):
        out[:, t * hop : t * hop + n_fft] += pieces[:, t] * window
        weight[t * hop : t * hop + n_fft] += window**2
    start = n_fft // 2 if center else 0
    stop = total - start if length is None else start + length
    out = np.pad(out[:, start:stop] / weight[start:stop], ((0, 0), (0, max(0, stop - total))))
    return out if x.ndim == 3 else out[0]


@composition(MATMUL,
             samples=(sample(complex_values(3, 4), n_fft=4),
                      sample(complex_values(2, 3, 3), 4, 2, 3, np.array([0.5, 1.0, 0.7]), normalized=True, length=4),
                      sample(complex_values(3, 3), 3, hop_length=1, center=False, return_complex=True, onesided=False),
                      sample(complex_values(0, 3, 2), 4)),
             reference=_slow_istft)
def istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None,
          length=None, return_complex=False):
    """Inverse of `stft`: the signals whose frames are closest to `input`, (frequencies, frames) or a batch of these.

    length: of the signal, cropped or padded with zeros. The squared windows must not add up to 0 anywhere.
    """
    hop, width = _lengths("istft", n_fft, hop_length, win_length, window)
    if input.dtype.kind != "c":
        raise DtypeError("istft() takes complex numbers; convert pairs with view_as_complex()")
    spectra = functional.transpose(_signals("istft", input, 2), 1, 2)
    onesided = spectra.shape[2] != n_fft if onesided is None else onesided
    _check_spectra(spectra, n_fft, onesided, return_complex, window)
    norm = "ortho" if normalized else None
    pieces = ifft(spectra, norm=norm) if return_complex else irfft(spectra, n_fft, norm=norm)
    window = _centred(window, width, n_fft, input)
    count, total = spectra.shape[1], n_fft + hop * (spectra.shape[1] - 1)
    start = n_fft // 2 if center else 0
    stop = min(total, start + length) if length is not None else total - start
    whole = _added(pieces * window, total, hop)[:, start:stop]
    squares = functional.expand((window * window).unsqueeze(0).unsqueeze(0), (1, count, n_fft))
    weight = _added(squares, total, hop)[:, start:stop]
    if not holds(functional.abs(weight) > LEAST):
        raise OperandError("istft(): the squared windows add up to 0 somewhere; use more overlap or another window")
    y = whole / weight
    y = functional.pad_constant(y, widths=((0, 0), (0, length - y.shape[1]))) if (length or 0) > y.shape[1] else y
    return y if input.ndim == 3 else y.squeeze(0)


def _check_spectra(spectra, n_fft, onesided, return_complex, window):
    if spectra.shape[2] != (n_fft // 2 + 1 if onesided else n_fft):
        raise OperandError(f"istft(): {spectra.shape[2]} frequencies do not fit n_fft={n_fft}, onesided={onesided}")
    if return_complex and onesided:
        raise OperandError("istft(): a complex signal has no one-sided spectrum; use onesided=False")
    if window is not None and window.dtype.kind == "c" and not return_complex:
        raise DtypeError("istft(): with a complex window the signal is complex; use return_complex=True")


def _added(pieces, total, hop):
    """The overlap-add of frames."""
    shape = (pieces.shape[0], total)
    return functional.fold_windows(pieces, shape=shape, dimension=1, size=pieces.shape[2], step=hop)
