"""The pictures of a report, as Matplotlib figures and as PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import columns, shortened
from ...data import charts, fonts
from ...maths import scores
from ..parts.blocks import joined
from . import curves
from .texts import TEXTS

if TYPE_CHECKING:
    from .collect import Part

# Up to so many classes the confusion matrix has a cell for each pair; so is its table.
MAX_MATRIX = 100
# Up to so many the cells hold numbers.
MAX_NUMBERS = 20
BINS = 20  # of the mean over neighbouring classes
_TICK = 14  # columns for the name of a class
_COLOURS = {**charts.COLOURS, "overall": "black", "all": "#0072B2"}


def paint(part: Part, language: str) -> dict[str, bytes]:
    """Return name -> PNG bytes of every picture for which the part has data.

    Args:
        part (Part): with predictions.
        language (str): of the captions; without a font for it they are English.
    """
    import matplotlib

    words, families = fonts.words_and_families(TEXTS, language)
    ticks, families = fonts.drawable(_class_names(part), families)
    panels, families = fonts.drawable([shortened(part.called(c), _TICK) for c in curves.drawn(part)], families)
    drawn = {}
    # A dollar in a name is no formula.
    with matplotlib.rc_context({"font.family": families, "font.size": 9, "text.parse_math": False}):
        for name, draw in (
            ("distribution", lambda: _distribution(part, ticks, words)),
            ("per_class", lambda: _per_class(part, ticks, words)),
            ("curves", lambda: curves.figure(part, panels, words)),
            ("over_epochs", lambda: _over_epochs(part, words)),
            ("norms", lambda: _norms(part, ticks, words)),
            ("confusion", lambda: _confusion(part, ticks, words)),
            ("calibration", lambda: _calibration(part, words)),
        ):
            figure = draw()
            if figure is not None:
                drawn[name] = charts.png(figure)
    return drawn


def _class_names(part):
    """A name for each class, its number where it has none; nothing where the classes are too many."""
    if part.class_num > charts.MAX_BARS:
        return []
    return [shortened(part.called(label), _TICK) for label in range(part.class_num)]


def _groups(part, words):
    """``(label, classes, colour)`` of each group with classes, or of all classes where groups are unknown."""
    groups = part.groups or {"all": part.order}
    return [
        (words["fig_group"].format(group=words[group], n=members.size), members, _COLOURS[group])
        for group, members in groups.items()
        if members.size
    ]


def _axes(figure, *ratios):
    """Axes below one another, which share the horizontal one."""
    grid = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
    return grid


def _legend(figure, axes, columns=3):
    # Outside, where nothing is drawn.
    handles, labels = axes.get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, markerscale=2)
    for handle in legend.legend_handles:
        handle.set_alpha(1)


def _distribution(part, ticks, words):
    if part.counts is None:
        return None
    captions = {
        group: words["fig_group"].format(group=words[group], n=part.groups[group].size) for group in part.groups
    }
    captions.update({"class": words["class"], "images": words["train_images"], "sorted": words["fig_sorted"]})
    single = part.counts.size <= charts.MAX_BARS
    figure = charts.new_figure(1.5 + 0.26 * part.counts.size if single else 3.4)
    charts.draw_counts(figure, part.counts, part.groups, captions)
    if ticks:
        figure.axes[0].set_yticks(range(part.class_num), labels=ticks)
    return figure


def _per_class(part, ticks, words):
    figure = charts.new_figure(5.4)
    upper, lower = _axes(figure, 2, 3)
    sizes = part.support if part.counts is None else part.counts
    _draw_by_class(upper, part, sizes, words, filled=True)
    # From 1 to 10 images a linear scale shows enough.
    if sizes.max() > 10 * max(sizes.min(), 1):
        upper.set_yscale("log")
        upper.set_ylim(bottom=0.5)
        upper.yaxis.set_major_formatter("{x:g}")
    upper.set_ylabel(words["eval_images" if part.counts is None else "train_images"])
    _draw_by_class(lower, part, 100 * part.recall, words)
    lower.set(ylabel=words["fig_recall"], ylim=(0, 104))
    _label_classes(lower, part, ticks, words)
    _legend(figure, lower)
    return figure


def _norms(part, ticks, words):
    if part.classifier is None:
        return None
    figure = charts.new_figure(3.4)
    (axes,) = _axes(figure, 1)
    _draw_by_class(axes, part, part.classifier["norm"], words)
    axes.set(ylabel=words["fig_norm"], ylim=(0, None))
    _label_classes(axes, part, ticks, words)
    _legend(figure, axes)
    return figure


def _draw_by_class(axes, part, values, words, filled=False):
    """Draw a value for each class, in the order of the counts: bars, or points with the mean of 20 bins."""
    place = np.empty(part.class_num, dtype=int)
    place[part.order] = np.arange(part.class_num)
    few = part.class_num <= charts.MAX_BARS
    for label, members, colour in _groups(part, words):
        if few:
            axes.bar(place[members], values[members], color=colour, label=label)
        elif filled:
            heights = np.full(part.class_num, np.nan)
            heights[place[members]] = values[members]
            axes.stairs(heights, np.arange(part.class_num + 1) - 0.5, fill=True, color=colour, label=label)
        else:
            axes.scatter(place[members], values[members], s=9, alpha=0.45, linewidths=0, color=colour, label=label)
    if not few and not filled:
        bins = [places for places in np.array_split(np.arange(part.class_num), BINS)]
        means = [scores.mean(values[part.order[places]].astype(float)) for places in bins]
        centres = [places.mean() for places in bins]
        axes.plot(centres, means, color="black", linewidth=1.6, label=words["fig_mean"])


def _label_classes(axes, part, ticks, words):
    axes.set_xlim(-0.6, part.class_num - 0.4)
    if ticks:
        long = max(map(columns, ticks)) * len(ticks) > 90
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if long else {}
        axes.set_xticks(range(part.class_num), labels=[ticks[label] for label in part.order], fontsize=8, **turned)
    axes.set_xlabel(words["fig_sorted_support" if part.counts is None else "fig_sorted"])


def _over_epochs(part, words):
    epochs, curves = part.over_epochs()
    if len(epochs) < 2:
        return None
    figure = charts.new_figure(3.6)
    (axes,) = _axes(figure, 1)
    for name, values in curves.items():
        if not np.isnan(values).all():
            marker = "o" if len(epochs) <= 30 else None
            style = {"linewidth": 2 if name == "overall" else 1.6, "marker": marker, "markersize": 3.5}
            axes.plot(epochs, 100 * values, color=_COLOURS[name], label=words[name], **style)
    axes.axvline(part.predictions.epoch, color=charts.GREY, linestyle=":", linewidth=1)
    axes.set(xlabel=words["epoch"], ylabel=words["fig_accuracy"], ylim=(0, 104))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", alpha=0.25)
    _legend(figure, axes, columns=4)
    return figure


def _confusion(part, ticks, words):
    from matplotlib.colors import LogNorm, Normalize

    blocks = confusion_blocks(part)
    block = np.empty(part.class_num, dtype=int)
    for number, members in enumerate(blocks):
        block[members] = number
    matrix = np.zeros((len(blocks), len(blocks)))
    label, predicted, images = part.confusions
    np.add.at(matrix, (block[label], block[predicted]), images)
    share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    numbers = part.class_num <= MAX_NUMBERS
    norm = Normalize(0, 100) if numbers else LogNorm(min(share[share > 0].min(), 10), 100)

    figure = charts.new_figure(6.6, width=7.4)
    axes = figure.add_subplot()
    # White where there is nothing: with the logarithm it has no colour.
    image = axes.imshow(np.ma.masked_equal(share, 0), cmap="Blues" if numbers else "YlGnBu", norm=norm)
    figure.colorbar(image, ax=axes, shrink=0.8, label=words["fig_share"], format="{x:g}")
    if numbers:
        for (row, column), value in np.ndenumerate(matrix):
            if value:
                colour = "white" if share[row, column] > 50 else "black"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
    _label_blocks(axes, part, blocks, ticks, words)
    return figure


def confusion_blocks(part: Part) -> list[np.ndarray]:
    """The classes of each row and column: one each up to 100, else neighbours joined, never across groups."""
    if part.class_num <= MAX_MATRIX:
        return np.split(part.order, part.class_num)
    return joined(part.order, part.groups)


def _label_blocks(axes, part, blocks, names, words):
    single = len(blocks) == part.class_num
    ends = np.cumsum([members.size for members in blocks])
    if single and part.class_num <= charts.MAX_BARS:
        ticks, labels = range(part.class_num), [names[label] for label in part.order]
    else:
        # A rank for every eighth of the side, counted from 1.
        ticks = np.unique(np.linspace(0, len(blocks) - 1, 9).round().astype(int))
        labels = ends[ticks] - np.array([blocks[tick].size for tick in ticks]) + 1
    small = part.class_num > MAX_NUMBERS
    long = max(map(columns, names), default=0) * len(names) > 70
    axes.set_xticks(ticks, labels=labels, fontsize=8, rotation=90 if (small or long) and single else 0)
    axes.set_yticks(ticks, labels=labels, fontsize=8)
    named = single and part.class_num <= charts.MAX_BARS
    axes.set_xlabel(words["predicted_class" if named else "fig_rank_predicted"])
    axes.set_ylabel(words["right_class" if named else "fig_rank_true"])
    start = 0
    upper = axes.secondary_xaxis("top")
    middles, above = [], []
    for group, members in part.groups.items():
        if members.size:
            size = sum(np.isin(each[0], members) for each in blocks)
            middles.append(start + size / 2 - 0.5)
            above.append(words[group])
            start += size
            if start < len(blocks):
                axes.axhline(start - 0.5, color=charts.GREY, linewidth=0.8)
                axes.axvline(start - 0.5, color=charts.GREY, linewidth=0.8)
    upper.set_xticks(middles, labels=above, fontsize=8)
    upper.tick_params(length=0)


def _calibration(part, words):
    confidence = part.predictions.confidence
    images, sums, right = scores.confidence_bins(confidence, part.right, part.bins)
    there = images > 0
    centres = 100 * (np.arange(part.bins) + 0.5) / part.bins
    width = 100 / part.bins
    figure = charts.new_figure(5.0)
    upper, lower = _axes(figure, 3, 1)
    accuracy = 100 * right[there] / images[there]
    upper.bar(centres[there], accuracy, width=0.92 * width, color="#9ecae1", label=words["fig_accuracy"])
    upper.plot([0, 100], [0, 100], color=charts.GREY, linestyle="--", linewidth=1)
    upper.scatter(100 * sums[there] / images[there], accuracy, s=18, color="#08519c", zorder=3)
    upper.set(ylabel=words["fig_accuracy"], ylim=(0, 104), xlim=(0, 100))
    lower.bar(centres, images, width=0.92 * width, color=charts.GREY)
    lower.set(xlabel=words["fig_confidence"], ylabel=words["fig_images"])
    return figure
