"""One picture of the comparison, for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from .cases import BASELINE, Op
from .measuring import Result, rate, ratio
from .report import number

__all__ = ["draw"]

OURS, THEIRS = "#b3541e", "#8a94a0"
LINE = 0.27  # inches
LEAST = 0.1


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw how many times the messages per second of the baseline each contender sends, case by case.

    Args:
        results: of the cases.
        path: where the picture goes; its ending says in which format.
    """
    shown = [result for result in results if result.case.op is Op.SEND and result.rounds]
    mpl.rcParams.update({"svg.hashsalt": "posthouse", "svg.fonttype": "none", "font.size": 9})
    heights = [len(result.rounds) + 1.2 for result in shown]
    figure = Figure(figsize=(8.5, LINE * sum(heights) + 0.6), layout="constrained")
    axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, result in zip(axes, shown, strict=True):
        factors = {label: ratio(result, label, BASELINE, rate) or 0.0 for label in reversed(result.rounds)}
        colours = [OURS if label.startswith("Posthouse") else THEIRS for label in factors]
        bars = axis.barh(list(factors), [factor - LEAST for factor in factors.values()], left=LEAST, color=colours)
        axis.bar_label(bars, [number(factor) for factor in factors.values()], padding=3)
        axis.set_title(result.case.title, loc="left", fontsize=9, fontweight="bold")
        axis.set_xscale("log")
        axis.set_xlim(LEAST, 10_000)
        axis.axvline(1, color="black", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[-1].set_xlabel(f"messages per second, as a multiple of {BASELINE}'s (logarithmic)")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=100)
