"""The pictures of a comparison, as Matplotlib figures and as PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...data import charts
from ...data.group_names import GROUPS
from ...maths import scores
from ...runs.results import pairs
from ..parts import fonts
from ..parts.blocks import joined
from . import captions, wording
from .texts import TEXTS

if TYPE_CHECKING:
    from ...runs.results import Outcome

BEST = 5  # recipes beside the baseline whose curves are drawn
_NUMBERS = 12  # up to so many classes its cells hold numbers
_COLOURS = {**charts.COLOURS, "balanced": "black"}
# Of Okabe and Ito, with line styles of their own for those who see no colour.
_LINES = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", (0, (5, 1))),
    ("#56B4E9", (0, (3, 1, 1, 1, 1, 1))),
)


def paint(outcome: Outcome, language: str) -> dict[str, bytes]:
    """Return name -> PNG bytes of every picture for which the comparison has data.

    Args:
        outcome (Outcome): what was compared.
        language (str): of the captions; without a font for it they are English.
    """
    import matplotlib

    words, families = fonts.words_and_families(TEXTS, language)
    names = [wording.shortened(row.recipe, wording.NAME) for row in outcome.rows]
    names, families = fonts.drawable(names, families)
    # The rank makes names unique that were shortened to the same.
    names = {row.recipe: f"{rank} {name}" for rank, (row, name) in enumerate(zip(outcome.rows, names), 1)}
    drawn = {}
    # A dollar in a name is no formula.
    with matplotlib.rc_context({"font.family": families, "font.size": 9, "text.parse_math": False}):
        for name, draw in (
            ("groups", _groups),
            ("trade_off", _trade_off),
            ("classes", _classes),
            ("epochs", _epochs),
        ):
            figure = draw(outcome, names, words)
            if figure is not None:
                drawn[name] = charts.png(figure)
    return drawn


def _bars(spreads):
    """Lengths of error bars: none where there is no spread."""
    return np.nan_to_num(np.asarray(spreads, dtype=float))


def _groups(outcome, names, words):
    values = {
        name: 100 * np.array([row.test[name] for row in outcome.rows])
        for name in (*GROUPS, "balanced")
        if any(not np.isnan(row.test[name][0]) for row in outcome.rows)
    }
    if not values:
        return None
    size = len(outcome.rows)
    figure = charts.new_figure(1.1 + 0.23 * size, width=8)
    grid = figure.subplots(1, len(values), sharey=True, squeeze=False)[0]
    base = wording.baseline(outcome)
    ends = {name: _ends(pair) for name, pair in values.items()}
    span = 1.12 * max(5, *(high - low for low, high in ends.values()))
    for axes, (name, pair) in zip(grid, values.items()):
        axes.set_title(words[name], fontsize=9)
        style = {"fmt": "o", "markersize": 4.5, "color": _COLOURS[name], "ecolor": _COLOURS[name], "elinewidth": 1.2}
        axes.errorbar(pair[:, 0], range(size), xerr=_bars(pair[:, 1]), **style)
        if base is not None and not np.isnan(base.test[name][0]):
            axes.axvline(100 * base.test[name][0], color=charts.GREY, linestyle="--", linewidth=1)
        axes.set(xlim=_window(sum(ends[name]) / 2, span), ylim=(size - 0.4, -0.6))
        axes.locator_params(axis="x", nbins=4)
        axes.set_yticks(range(size), labels=[names[row.recipe] for row in outcome.rows], fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", alpha=0.25)
        axes.spines[["top", "right", "left"]].set_visible(False)
    figure.supxlabel(words["fig_accuracy"], fontsize=9)
    return figure


def _window(middle, span):
    """Limits ``span`` apart about a value in per cent, moved where they would show what cannot be."""
    low = max(min(middle - span / 2, 103 - span), -3)
    return low, low + span


def _ends(pair):
    """Lowest and highest value, error bars included."""
    return np.nanmin(pair[:, 0] - _bars(pair[:, 1])), np.nanmax(pair[:, 0] + _bars(pair[:, 1]))


def _at_least(limits, span):
    """Limits of an axis, moved apart until they span so much."""
    more = max(span - (limits[1] - limits[0]), 0) / 2
    return limits[0] - more, limits[1] + more


def _trade_off(outcome, names, words):
    """Draw a point for each recipe that shares a seed with the baseline, and lines through the baseline's own."""
    rows = [row for row in outcome.rows if row.gain]
    places = 100 * np.array([[row.gain["many"], row.gain["few"]] for row in rows], dtype=float).reshape(-1, 2, 2)
    there = ~np.isnan(places[:, :, 0]).any(axis=1)
    rows, places = [row for row, defined in zip(rows, there) if defined], places[there]
    # The baseline alone says nothing.
    if not any(row.recipe != outcome.baseline for row in rows):
        return None
    figure = charts.new_figure(5)
    axes = figure.add_subplot()
    (x, y), (right, above) = places[:, :, 0].T, _bars(places[:, :, 1]).T
    for index, row in enumerate(rows):
        base = row.recipe == outcome.baseline
        colour = "black" if base else "#0072B2"
        axes.plot(x[index], y[index], "D" if base else "o", color=colour, markersize=5, zorder=3)
        if not base:
            axes.errorbar(
                x[index], y[index], xerr=right[index], yerr=above[index], color="#c6dbef", linewidth=1, zorder=1
            )
        else:
            axes.axvline(x[index], color=charts.GREY, linestyle="--", linewidth=1, zorder=0)
            axes.axhline(y[index], color=charts.GREY, linestyle="--", linewidth=1, zorder=0)
    heads = [
        words["fig_gain"].format(measure=words[name], baseline=outcome.baseline) for name in ("many_shot", "few_shot")
    ]
    axes.set(xlabel=heads[0], ylabel=heads[1])
    axes.margins(0.12)
    # A difference of next to nothing shall not fill the picture.
    axes.set(xlim=_at_least(axes.get_xlim(), 2), ylim=_at_least(axes.get_ylim(), 2))
    axes.spines[["top", "right"]].set_visible(False)
    captions.place(axes, x, y, [names[row.recipe] for row in rows])
    return figure


def blocks(outcome: Outcome) -> list[np.ndarray]:
    """The classes of each column of the heat map, from most to fewest images: one each up to 40, else joined."""
    order = np.argsort(-outcome.counts, kind="stable")
    if order.size <= charts.MAX_BARS:
        return np.split(order, order.size)
    return joined(order, outcome.groups)


def _classes(outcome, names, words):
    base = wording.baseline(outcome)
    rows = [row for row in outcome.rows if row.recipe != outcome.baseline and row.gain]
    if base is None or not rows:
        return None
    parts = blocks(outcome)
    cells = np.array([_against(row, base, parts) for row in rows])
    if np.isnan(cells).all():
        return None
    figure = charts.new_figure(max(1.6 + 0.25 * len(rows), 2.6), width=8)
    axes = figure.add_subplot()
    axes.set_facecolor("#bbbbbb")
    # One class that changes much shall not make all the others white.
    limit = max(5, np.nanpercentile(np.abs(cells), 95))
    image = axes.imshow(np.ma.masked_invalid(cells), cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    figure.colorbar(
        image, ax=axes, extend="both", label=words["fig_difference"].format(baseline=outcome.baseline), pad=0.02
    )
    if len(parts) <= _NUMBERS:
        for (row, column), value in np.ndenumerate(cells):
            if not np.isnan(value):
                colour = "white" if abs(value) > 0.6 * limit else "black"
                number = f"{round(value, 1) + 0.0:+.1f}"
                axes.text(column, row, number, ha="center", va="center", color=colour, fontsize=7)
    axes.set_yticks(range(len(rows)), labels=[names[row.recipe] for row in rows], fontsize=8)
    axes.tick_params(axis="y", length=0)
    single = len(parts) == outcome.counts.size
    ticks = np.arange(len(parts)) if single else np.unique(np.linspace(0, len(parts) - 1, 9).round().astype(int))
    starts = np.cumsum([0, *(part.size for part in parts)])
    axes.set_xticks(ticks, labels=[parts[i][0] if single else starts[i] + 1 for i in ticks], fontsize=8)
    axes.set_xlabel(words["fig_sorted" if single else "fig_rank"])
    _strip(figure, axes, outcome, parts, words)
    return figure


def _against(row, base, parts):
    """Points of recall over the baseline's, mean over the seeds of both, for each block of classes."""
    gains = [np.subtract(run.recall, other.recall) for run, other in pairs(row.runs, base.runs)]
    gain = 100 * np.mean(gains, axis=0)
    return [scores.mean(gain[part]) for part in parts]


def _strip(figure, axes, outcome, parts, words):
    """Say above the columns, in colours, to which group they belong."""
    start = -0.5
    above = axes.get_xaxis_transform()
    for group, members in outcome.groups.items():
        width = sum(np.isin(part[0], members) for part in parts)
        if width:
            label = words["fig_group"].format(group=words[group], n=len(members))
            axes.plot(
                [start, start + width],
                [1.02, 1.02],
                transform=above,
                color=_COLOURS[group],
                linewidth=5,
                solid_capstyle="butt",
                clip_on=False,
                label=label,
            )
            start += width
    axes.set_xlim(-0.5, len(parts) - 0.5)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)


def _epochs(outcome, names, words):
    base = wording.baseline(outcome)
    # Adjusted weights have no epochs of their own.
    rows = [row for row in outcome.rows if row is not base and row.adjustment is None][:BEST]
    curves = [(row, *_curve(row)) for row in ([] if base is None else [base]) + rows]
    if not any(epochs.size > 1 for _, epochs, _ in curves):
        return None
    figure = charts.new_figure(4)
    axes = figure.add_subplot()
    styles = dict(zip([row.recipe for row in rows], _LINES))
    for row, epochs, values in curves:
        colour, line = styles.get(row.recipe, ("black", "-"))
        marker = "o" if epochs.size <= 15 else None
        width = 2.4 if row is base else 1.5
        label = names[row.recipe]
        axes.plot(epochs, values, color=colour, linestyle=line, linewidth=width, marker=marker, ms=3, label=label)
    measure = words["accuracy_of"].format(measure=words[f"{outcome.rank_by}_shot"])
    axes.set(xlabel=words["fig_epoch"], ylabel=words["fig_validation"].format(measure=measure))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8, handlelength=3)
    return figure


def _curve(row):
    """Epochs, and the validation score after each in per cent, mean over seeds."""
    found = {}
    for run in row.runs:
        for epoch, value in run.curve:
            found.setdefault(epoch, []).append(value)
    epochs = np.array(sorted(found))
    return epochs, np.array([100 * np.mean(found[epoch]) for epoch in epochs])
