"""Connectionist temporal classification: the negative log-likelihood of a label sequence over all its alignments."""

import itertools
import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import holds
from autograd_core.engine.precision import single
from autograd_core.errors import DtypeError, HigherOrderError, OperandError, PositionError
from autograd_core.kinds import LOSS
from autograd_core.ops.losses.loss import reduced
from autograd_core.registry import Interval, composition, integers, op, sample

LOG = Interval(-3, -0.2)


def _states(xp, log_probs, targets, target_lengths, blank):
    """For every sample: log-probabilities (T, N, 2S + 1) of its states, the logarithms of skips, the final states.

    The states are the labels with a blank before, between and after them. A blank may be skipped between two different
    labels, where the logarithm is 0, else -∞; a path ends in the last label or in the blank after it.
    """
    (n, s), lengths = targets.shape, target_lengths[:, None]
    labels = xp.where(xp.arange(s) < lengths, targets, blank)
    classes = xp.full((n, 2 * s + 1), blank, dtype=labels.dtype)
    classes[:, 1::2] = labels
    skips = xp.full(classes.shape, -xp.inf, dtype=log_probs.dtype)
    skips[:, 3::2] = xp.where(labels[:, 1:] != labels[:, :-1], 0, -xp.inf)
    at = xp.arange(2 * s + 1)
    ends = (at == 2 * lengths) | (at == 2 * lengths - 1)
    index = xp.broadcast_to(classes, (log_probs.shape[0], *classes.shape))
    return xp.take_along_axis(log_probs, index, 2), index, skips, ends


def _total(xp, alpha, ends, input_lengths):
    """The log-probabilities (N, 2S + 1) of paths that end in each state, and of all paths (N, 1)."""
    last = xp.where(ends, alpha[input_lengths, xp.arange(len(ends))], -xp.inf)
    total = last  # by repeated halving, because CuPy's logaddexp has no reduce
    while (half := total.shape[1] // 2) > 0:
        pairs = xp.logaddexp(total[:, :half], total[:, half : 2 * half])
        total = xp.concatenate((pairs, total[:, 2 * half :]), axis=1)
    return last, total


def _log_likelihood(log_probs, targets, frames, labels, blank):
    """The sum over all alignments of one sample, enumerated."""
    total = 0.0
    for way in itertools.product(range(log_probs.shape[1]), repeat=int(frames)):
        if [c for c, _ in itertools.groupby(way) if c != blank] == list(targets[:labels]):
            total += math.exp(sum(log_probs[t, c] for t, c in enumerate(way)))
    return math.log(total) if total else -math.inf


def _slow_losses(log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    lengths = zip(input_lengths, target_lengths, strict=True)
    losses = [-_log_likelihood(log_probs[:, i], targets[i], *pair, blank) for i, pair in enumerate(lengths)]
    return np.array([0.0 if zero_infinity and math.isinf(loss) else loss for loss in losses])


def _slow_posterior(log_probs, *rest, step=1e-5, **statics):
    out = np.zeros(log_probs.shape)
    for at in np.ndindex(log_probs.shape):
        moved = [log_probs.copy(), log_probs.copy()]
        moved[0][at] += step
        moved[1][at] -= step
        low, high = (_slow_losses(x, *rest, **statics)[at[1]] for x in moved)
        out[at] = (high - low) / (2 * step)
    return out


ALIGNMENTS = (
    sample((4, 2, 3), integers((2, 2), 1, 3), integers((2,), 3, 5), integers((2,), 1, 3)),
    sample((3, 2, 3), integers((2, 1), 0, 2), integers((2,), 2, 4), integers((2,), 0, 2), blank=2),
    sample((2, 1, 2), integers((1, 3), 1, 2), integers((1,), 2, 3), integers((1,), 3, 4), zero_infinity=True),
    sample((3, 0, 3), integers((0, 2), 1, 3), integers((0,), 1, 3), integers((0,), 1, 3)),
)


def _refuse(xp, g):
    raise HigherOrderError("ctc_loss() can be differentiated once; its gradient has no gradient of its own")


@op(LOSS, symbol="alignment", domain=LOG, order=0, wide=True, tolerance=1e-8, samples=ALIGNMENTS,
    reference=_slow_posterior, vjp=(_refuse, None, None, None, None))
def ctc_posterior(xp, log_probs, targets, input_lengths, target_lengths, alpha=None, *, blank=0, zero_infinity=False):
    """The posterior probability (T, N, C) of each class at each time, given the labels. alpha: of `ctc_losses`."""
    emissions, classes, skips, ends = _states(xp, log_probs, targets, target_lengths, blank)
    alpha = xp.kernels.ctc_arrivals(emissions, skips) if alpha is None else alpha
    last, total = _total(xp, alpha, ends, input_lengths)
    start = xp.exp(last - xp.where(xp.isinf(total), xp.inf, total) if zero_infinity else last - total)
    out = xp.kernels.ctc_occupations(alpha, emissions, skips, start, input_lengths)
    t, n, _ = classes.shape
    at = (xp.arange(t)[:, None, None], xp.arange(n)[:, None], classes)
    return xp.kernels.add_at(log_probs.shape, out.dtype, at, out)


def _losses_rule(xp, g, log_probs, targets, input_lengths, target_lengths, alpha, blank, zero_infinity):
    posterior = xp.ctc_posterior(
        log_probs, targets, input_lengths, target_lengths, alpha, blank=blank, zero_infinity=zero_infinity
    )
    return posterior * xp.reshape(-g, shape=(1, -1, 1))


def _recorded_rule(xp, g, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity):
    """The same without what the forward kept."""
    operands = log_probs, targets, input_lengths, target_lengths, None
    return _losses_rule(xp, g, *operands, blank, zero_infinity), None, None, None


@op(LOSS, symbol="ctc", domain=LOG, order=1, residuals=("alpha",), reference=_slow_losses, samples=ALIGNMENTS,
    vjp=(_losses_rule, None, None, None), composite=_recorded_rule)
def ctc_losses(xp, log_probs, targets, input_lengths, target_lengths, *, blank=0, zero_infinity=False):
    """-log of the probability of each label sequence, summed over its alignments (Graves et al. 2006)."""
    emissions, _, skips, ends = _states(xp, single(log_probs), targets, target_lengths, blank)
    alpha = xp.kernels.ctc_arrivals(emissions, skips)
    total = -_total(xp, alpha, ends, input_lengths)[1][:, 0]
    total = xp.where(xp.isinf(total), 0, total) if zero_infinity else total
    return total.astype(log_probs.dtype, copy=False), alpha


def _slow_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    rows = np.zeros((log_probs.shape[1], max(target_lengths, default=0)), int)
    starts = np.cumsum(target_lengths) - target_lengths
    for i, (start, count) in enumerate(zip(starts, target_lengths, strict=True)):
        rows[i, :count] = targets[start : start + count] if targets.ndim == 1 else targets[i, :count]
    losses = _slow_losses(log_probs, rows, input_lengths, target_lengths, blank, zero_infinity)
    if reduction == "mean":
        return (losses / np.maximum(target_lengths, 1)).mean()
    return losses.sum() if reduction == "sum" else losses


@composition(LOSS, domain=LOG, order=1, reference=_slow_loss,
             samples=(sample((4, 2, 3), integers((2, 2), 1, 3), [3, 4], [1, 2]),
                      sample((4, 2, 3), integers((3,), 1, 3), integers((2,), 3, 5), np.array([1, 2]), reduction="none"),
                      sample((3, 2, 3), integers((2, 1), 0, 2), integers((2,), 2, 4), integers((2,), 0, 2), blank=2,
                             reduction="sum"),
                      sample((3, 0, 3), integers((0, 2), 1, 3), integers((0,), 1, 3), integers((0,), 1, 3),
                             reduction="sum")))
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """Connectionist temporal classification: -log of the probability of labels, over all alignments (Graves 2006).

    log_probs: log-probabilities (T, N, C), or (T, C). targets: labels (N, S), or all labels concatenated. The lengths,
    (N) or (), give the valid part of each; reduction="mean" first divides each loss by its number of labels.
    zero_infinity: labels that do not fit in the available time give a loss of 0.

    The gradient is that of this function; PyTorch's differs by exp(log_probs), which log_softmax cancels.
    """
    frames, labels = (functional.as_tensor(v, device=log_probs.device) for v in (input_lengths, target_lengths))
    if log_probs.ndim == 2:
        log_probs, targets = log_probs.unsqueeze(1), targets.unsqueeze(0)
        frames, labels = frames.reshape((1,)), labels.reshape((1,))
        losses = ctc_loss(log_probs, targets, frames, labels, blank, reduction, zero_infinity)
        return losses.squeeze(0) if reduction == "none" else losses
    targets = targets.long()  # labels are read from files as floats too
    _check(log_probs, targets, frames, labels, blank)
    if targets.ndim == 1:
        targets = _padded(targets, labels)
    beyond = functional.arange(targets.shape[1], device=targets.device) >= labels.unsqueeze(1)
    if not holds((targets >= 0) & (targets < log_probs.shape[2]) | beyond):
        raise PositionError(f"ctc_loss(): labels must lie between 0 and {log_probs.shape[2] - 1}, one less than the "
                            "number of classes")
    losses = ctc_losses(log_probs, targets, frames, labels, blank=blank, zero_infinity=zero_infinity)
    if reduction == "mean":
        losses = losses / functional.astype(functional.clamp(labels, min=1), losses.dtype)
    return reduced(losses, reduction)


def _check(log_probs, targets, input_lengths, target_lengths, blank):
    if log_probs.ndim != 3 or targets.ndim not in (1, 2):
        raise OperandError("ctc_loss() takes log_probs of shape (T, N, C) and targets of shape (N, S) or (ΣS), not "
                           f"{log_probs.shape} and {targets.shape}")
    frames, n, classes = log_probs.shape
    if log_probs.dtype.kind not in dtypes.FLOATS:
        raise DtypeError(f"ctc_loss() takes log-probabilities, not {log_probs.dtype}")
    if any(v.dtype.kind not in dtypes.INTEGERS for v in (input_lengths, target_lengths)):
        raise DtypeError("ctc_loss(): lengths must be integers")
    if any(v.shape != (n,) for v in (input_lengths, target_lengths)) or (targets.ndim == 2 and len(targets) != n):
        raise OperandError(f"ctc_loss(): log_probs of shape {log_probs.shape} needs {n} input lengths, target lengths "
                           "and rows of targets")
    if not 0 <= blank < classes:
        raise OperandError(f"ctc_loss(): blank={blank} is not among {classes} classes")
    room = targets.shape[1] if targets.ndim == 2 else len(targets)
    if not holds((input_lengths >= 0) & (input_lengths <= frames)):
        raise OperandError(f"ctc_loss(): input lengths must lie between 0 and T = {frames}")
    most = target_lengths if targets.ndim == 2 else target_lengths.sum()
    if not (holds(target_lengths >= 0) and holds(most <= room)):
        raise OperandError(f"ctc_loss(): the target lengths do not fit targets of shape {targets.shape}")


def _padded(targets, lengths):
    """Concatenated labels as rows (N, S), padded with an arbitrary label."""
    starts = functional.as_tensor(
        [0, *itertools.accumulate(lengths.tolist())][:-1], dtype="int64", device=lengths.device
    )
    index = starts.unsqueeze(1) + functional.arange(max(lengths.tolist(), default=0), device=lengths.device)
    return targets[functional.clamp(index, max=len(targets) - 1)]
