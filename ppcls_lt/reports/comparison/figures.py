"""The pictures of a comparison, as Matplotlib figures and as PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import columns, shortened
from ...data import charts, fonts
from ...maths import scores
from ..parts.blocks import joined
from . import wording
from .texts import TEXTS

if TYPE_CHECKING:
    from ...runs.results import Outcome

FIRST = 20  # candidates that are drawn beside the baseline
BEST = 5  # recipes beside the baseline whose curves are drawn
_NUMBERS = 12  # up to so many classes its cells hold numbers
_TICK = 14  # columns for the name of a class
_BLUE = "#0072B2"
_LIGHT = "#999999"
_Z = 1.6449  # of a normal distribution, of which 90 % lie within
# Of Okabe and Ito, with line styles of their own for those who see no colour.
_LINES = (
    (_BLUE, "-"),
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
    names = [shortened(row.recipe, wording.NAME) for row in outcome.rows]
    classes = [shortened(wording.class_name(outcome, label), _TICK) for label in range(outcome.counts.size)]
    drawable, families = fonts.drawable([*names, *classes], families)
    # The rank makes names unique that were shortened to the same.
    named = {row.recipe: f"{rank} {name}" for rank, (row, name) in enumerate(zip(outcome.rows, drawable), 1)}
    ticks = drawable[len(names) :]
    drawn = {}
    # A dollar in a name is no formula.
    with matplotlib.rc_context({"font.family": families, "font.size": 9, "text.parse_math": False}):
        for name, draw in (
            ("gains", lambda: _gains(outcome, named, words)),
            ("per_class", lambda: _per_class(outcome, ticks, words)),
            ("classes", lambda: _classes(outcome, named, ticks, words)),
            ("epochs", lambda: _epochs(outcome, named, words)),
        ):
            figure = draw()
            if figure is not None:
                drawn[name] = charts.png(figure)
    return drawn


def first(outcome: Outcome) -> list[str]:
    """The candidates that are drawn: the first of the judged ones without the baseline."""
    judged = [] if outcome.choice is None else list(outcome.choice.judgements)
    return [name for name in judged if name != outcome.baseline][:FIRST]


def _gains(outcome, names, words):
    """Draw the gain of each candidate and its interval, the best on top, and the baseline's line at 0."""
    drawn = first(outcome)
    found = outcome.choice
    if not drawn or all(np.isnan(found.judgements[name].gain) for name in drawn):
        return None
    figure = charts.new_figure(1.1 + 0.24 * len(drawn), width=8)
    axes = figure.add_subplot()
    axes.axvline(0, color=charts.GREY, linestyle="--", linewidth=1)
    for place, name in enumerate(drawn):
        one = found.judgements[name]
        colour = _BLUE if name == found.chosen else "black" if name in found.equals else _LIGHT
        low, high = 100 * (one.gain - one.low), 100 * (one.high - one.gain)
        error = [[max(low, 0)], [max(high, 0)]]
        axes.errorbar(100 * one.gain, place, xerr=error, fmt="o", color=colour, ms=4, linewidth=1.6, capsize=2)
    axes.set_yticks(range(len(drawn)), labels=[names[name] for name in drawn], fontsize=8)
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    axes.set_xlim(*_at_least(axes.get_xlim(), 2))
    gain = words["fig_gain"].format(measure=words[f"{outcome.rank_by}_shot"], baseline=outcome.baseline)
    axes.set_xlabel(gain)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _at_least(limits, span):
    """Limits of an axis, moved apart until they span so much."""
    more = max(span - (limits[1] - limits[0]), 0) / 2
    return limits[0] - more, limits[1] + more


def wilson(share: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 90 % interval of a share that so many images gave, its ends.

    Args:
        share (array): right ones among the images.
        images (array): their number, > 0.
    """
    return scores.wilson(share, images, _Z)


def blocks(outcome: Outcome) -> list[np.ndarray]:
    """The classes of each column of a picture, from most to fewest images: one each up to 40, else joined."""
    order = np.argsort(-outcome.counts, kind="stable")
    if order.size <= charts.MAX_BARS:
        return np.split(order, order.size)
    return joined(order, outcome.groups)


def _means(values, parts):
    return np.array([scores.mean(np.asarray(values)[part]) for part in parts])


def _per_class(outcome, ticks, words):
    """Draw the accuracy of the chosen candidate and of the baseline on each class, with what its images allow."""
    found = outcome.choice
    if found is None:
        return None
    parts = blocks(outcome)
    images = np.array([outcome.validation_counts[part].sum() for part in parts])
    there = (images > 0) & ~np.isnan(_means(found.judgements[found.chosen].recall, parts))
    if not there.any():
        return None
    figure = charts.new_figure(4, width=8)
    axes = figure.add_subplot()
    places = np.arange(len(parts))
    shown = [(outcome.baseline, _LIGHT, "D", -0.15), (found.chosen, _BLUE, "o", 0.15)]
    for name, colour, marker, aside in shown if found.chosen != outcome.baseline else shown[:1]:
        share = np.clip(_means(found.judgements[name].recall, parts), 0, 1)  # a mean of ones may round above 1
        known = there & ~np.isnan(share)
        low, high = wilson(share[known], images[known])
        error = 100 * np.array([share[known] - low, high - share[known]])
        axes.errorbar(
            places[known] + aside, 100 * share[known], yerr=error, fmt=marker, color=colour, ms=4, linewidth=1.3
        )
    axes.set_ylabel(words["fig_held_out"])
    axes.set_ylim(-3, 103)
    axes.grid(axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    _class_axis(axes, outcome, parts, ticks, words, images)
    _strip(figure, axes, outcome, parts, words)
    return figure


def _class_axis(axes, outcome, parts, ticks, words, images=None):
    """Name the classes below the columns, or say their ranks where several share one."""
    single = len(parts) == outcome.counts.size
    if single:
        labels = [ticks[part[0]] for part in parts]
        if images is not None:
            labels = [words["fig_images"].format(name=name, n=n) for name, n in zip(labels, images)]
        long = max(map(columns, labels)) * len(labels) > 90
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if long else {}
        axes.set_xticks(range(len(parts)), labels=labels, fontsize=8, **turned)
    else:
        starts = np.cumsum([0, *(part.size for part in parts)])
        shown = np.unique(np.linspace(0, len(parts) - 1, 9).round().astype(int))
        axes.set_xticks(shown, labels=[starts[i] + 1 for i in shown], fontsize=8)
    axes.set_xlabel(words["fig_sorted" if single else "fig_rank"])


def _classes(outcome, names, ticks, words):
    """Draw what each candidate changes for each class, in colours."""
    drawn = first(outcome)
    if not drawn:
        return None
    parts = blocks(outcome)
    base = outcome.choice.judgements[outcome.baseline].recall
    cells = np.array([100 * _means(outcome.choice.judgements[name].recall - base, parts) for name in drawn])
    if np.isnan(cells).all():
        return None
    figure = charts.new_figure(max(1.8 + 0.25 * len(drawn), 2.8), width=8)
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
    axes.set_yticks(range(len(drawn)), labels=[names[name] for name in drawn], fontsize=8)
    axes.tick_params(axis="y", length=0)
    _class_axis(axes, outcome, parts, ticks, words)
    _strip(figure, axes, outcome, parts, words)
    return figure


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
                color=charts.COLOURS[group],
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
