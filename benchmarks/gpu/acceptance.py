"""What was found against what is wanted of a GPU: one line for each figure, and whether it is met."""

from collections.abc import Callable, Iterator, Sequence
from math import fsum
from typing import Any, NamedTuple

from benchmarks.gpu.check import LIMITS

Row = dict[str, Any]
MIXED = "bfloat16 autocast"
FAILED = "failed parts"  # the key of how many parts of a run have failed
CASES = "cases"  # the key of how many rows a whole run has, by what they are or by group
NAMED = 8  # of the operations that are wrong


class Figure(NamedTuple):
    """One line: `met` is None if it was not measured."""

    name: str
    wanted: str
    found: str
    met: bool | None


def figures(found: dict[str, Any]) -> list[Figure]:
    """All figures, from what the check and the benchmarks have found."""
    times: list[Row] = found.get("times", [])
    groups = {name: [row for row in times if row["group"] == name] for name in {row["group"] for row in times}}
    groups |= {name: found.get(name, []) for name in ("operations", "captured")}
    counts, failed = found.get(CASES, {}), found.get(FAILED, 0)
    cut = {name for name, count in counts.items() if failed or len(groups.get(name, [])) < count}

    def least(name: str, wanted: float, group: str, value: Callable[[Row], Any], ending: str = "") -> Figure:
        rows = [row for row in groups.get(group, []) if row["name"].endswith(ending)]
        return _least(name, wanted, rows, value, group in cut)

    def resnet(name: str, ending: str) -> Figure:
        rows = [row for row in groups.get("steps", []) if "ResNet-50" in row["name"] and row["name"].endswith(ending)]
        return _least(name, 0.9, rows, _ratio)

    small = groups.get("small steps", [])
    return [
        *_agreements(groups["operations"], "operations" in cut),
        _counted("captured steps agree with plain ones", groups["captured"], "captured" in cut),
        least("products / PyTorch", 0.95, "products", _ratio),
        least("attention / PyTorch", 0.95, "attention", _ratio),
        _convolutions(groups.get("convolutions", []), "convolutions" in cut),
        least("memory-bound kernels / copy", 0.8, "memory", lambda row: row.get("rate")),
        resnet("ResNet-50, mixed precision / PyTorch", MIXED),
        resnet("ResNet-50, mixed precision, captured / PyTorch's plain", f"{MIXED}, captured"),
        least("small steps, captured / plain", 2.0, "small steps", lambda row: _gain(row, small), ", captured"),
        least("small steps, captured / PyTorch's plain", 1.0, "small steps", _ratio, ", captured"),
        least("optimizers / PyTorch's fused", 1.0, "optimizers", _ratio),
    ]


def table(found: dict[str, Any]) -> list[list[str]]:
    """The figures as cells."""
    words = {True: "yes", False: "NO", None: "not measured"}
    cells = [["figure", "wanted", "found", "met"]]
    return cells + [[f.name, f.wanted, f.found, words[f.met]] for f in figures(found)]


def _agreements(rows: Sequence[Row], cut: bool) -> Iterator[Figure]:
    for dtype, limit in LIMITS.items():
        some = [row for row in rows if row["dtype"] == dtype]
        for key in ("value", "gradient"):
            name, wanted = f"{key}s of operations in {dtype}", f"<= {limit:g}"
            if not some:
                yield Figure(name, wanted, "", None)
                continue
            wrong = [row for row in some if row["error"] or row[key] > limit]
            worst = max([row[key] for row in some if not row["error"]], default=0.0)
            said = f"{len(some) - len(wrong)} of {len(some)}{', cut short' * cut}, at most {worst:.1e}"
            if wrong:
                names = [row["operation"] for row in wrong]
                said += f"; not {', '.join(names[:NAMED])}{', ...' * (len(names) > NAMED)}"
            yield Figure(name, wanted, said, not (wrong or cut))


def _counted(name: str, rows: Sequence[Row], cut: bool) -> Figure:
    right = sum(row["right"] for row in rows)
    said, met = f"{right} of {len(rows)}{', cut short' * cut}", right == len(rows) and not cut
    return Figure(name, "all", said if rows else "", met if rows else None)


def _least(name: str, wanted: float, rows: Sequence[Row], value: Callable[[Row], Any], cut: bool = False) -> Figure:
    """The least value of the rows, and of which; rows that failed, or are not there, are not met."""
    values = [(value(row), row["name"]) for row in rows]
    failed = [row["name"] for row in rows if isinstance(row["ours"], str)]
    known = [pair for pair in values if isinstance(pair[0], float)]
    if not (known or failed):
        return Figure(name, f">= {wanted:g}", "", None)
    said = [f"{min(known)[0]:.2f} ({min(known)[1]})"] if known else []
    if short := [f"{found:.2f} {which}" for found, which in sorted(known)[1:] if found < wanted]:
        said.append(f"also short: {', '.join(short)}")
    if failed:
        said.append(f"{len(failed)} failed, such as {failed[0]}")
    if cut:
        said.append("cut short")
    met = not (failed or cut) and min(known)[0] >= wanted
    return Figure(name, f">= {wanted:g}", "; ".join(said), met)


def _convolutions(rows: Sequence[Row], cut: bool) -> Figure:
    """All of a ResNet-50 together: each as often as the network has it."""
    name, sums = "all convolutions of ResNet-50 / PyTorch", [0.0, 0.0]
    measured = [row for row in rows if _ratio(row) is not None]
    for i, engine in enumerate(("torch", "ours")):
        sums[i] = fsum(row[engine] * int(row["name"].rpartition("×")[2].split()[0]) for row in measured)
    if not measured:
        return Figure(name, ">= 0.95", "", None)
    missing = f"; {len(rows) - len(measured)} missing" if len(measured) < len(rows) else "; cut short" * cut
    return Figure(name, ">= 0.95", f"{sums[0] / sums[1]:.2f}{missing}", sums[0] / sums[1] >= 0.95 and not missing)


def _ratio(row: Row) -> float | None:
    """PyTorch's time over ours."""
    ours, theirs = row["ours"], row.get("torch")
    return theirs / ours if isinstance(ours, float) and isinstance(theirs, float) else None


def _gain(row: Row, rows: Sequence[Row]) -> float | None:
    """The plain step's time over the captured one's."""
    (plain,) = [r["ours"] for r in rows if r["name"] == row["name"].removesuffix(", captured")] or [None]
    return plain / row["ours"] if isinstance(plain, float) and isinstance(row["ours"], float) else None
