"""Captions of points in a picture, beside their points and never over one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_RADII = (5, 10, 16, 24, 34, 46, 60, 76, 94, 114, 136, 160, 190, 220, 260, 300)  # points, from the point to its caption
_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_MARKER = 5  # points, half the side of what no caption may cover
_LINE = 10  # from this radius on a line leads to the point
_STEPS = np.linspace(0, 1, 40)[:, None]  # along such a line


def place(axes: Any, x: np.ndarray, y: np.ndarray, captions: Sequence[str], size: float = 8) -> None:
    """Write a caption beside each point, where it covers no other caption, no point and no line from caption to point.

    Nothing of the figure may move afterwards, so its layout is settled here. A
    caption for which there is no room is left out.

    Args:
        axes (Axes): with its final limits.
        x, y (array): the points ``[N]``, in data coordinates.
        captions (list of str): one each.
        size (float): of the font.
    """
    figure = axes.figure
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    centres = axes.transData.transform(np.column_stack([x, y]))
    room = _Room(axes.get_window_extent(), centres, figure.dpi / 72)
    for index, caption in enumerate(captions):
        found = room.take(index, _extent(axes, caption, size))
        if found is not None:
            _write(axes, centres[index], *found, caption, size)  # type: ignore[call-arg]  # two values


class _Room:
    """What of the axes is still free, in pixels."""

    def __init__(self, frame: Any, centres: np.ndarray, scale: float) -> None:
        self.frame = frame
        self.centres = centres
        self.scale = scale
        side = 2 * _MARKER * scale
        self.boxes = np.array([_box(centre, side, side) for centre in centres])
        self.lines = np.empty((0, 2))

    def take(self, index, extent):
        """``(middle of the caption, whether a line leads to it)`` at the nearest free place, now taken; or None."""
        # A line across another caption is ugly, a caption that is missing is worse.
        for across in (False, True):
            for radius in _RADII:
                for angle in _ANGLES:
                    way = np.array([np.cos(angle), np.sin(angle)])
                    middle = self.centres[index] + way * (radius * self.scale + np.array(extent) / 2)
                    box = np.array(_box(middle, *extent))
                    line = self._line(index, middle) if radius >= _LINE else np.empty((0, 2))
                    if self._free(box) and (across or not self._meets(line, box)):
                        self.boxes = np.vstack([self.boxes, box])
                        self.lines = np.vstack([self.lines, line])
                        return middle, radius >= _LINE
        return None

    def _line(self, index, middle):
        """Points along the line to a caption, from the edge of the marker on."""
        centre = self.centres[index]
        line = centre + _STEPS * (middle - centre)
        return line[~_within(line, self.boxes[index : index + 1]).any(axis=1)]

    def _free(self, box):
        frame, taken = self.frame, self.boxes
        if box[0] < frame.x0 or box[1] < frame.y0 or box[2] > frame.x1 or box[3] > frame.y1:
            return False
        return not ((taken[:, :2] < box[2:]) & (taken[:, 2:] > box[:2])).all(axis=1).any()

    def _meets(self, line, box):
        return _within(self.lines, box[None]).any() or _within(line, self.boxes).any()


def _box(middle, width, height):
    return middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2


def _within(points, boxes):
    """Whether each point is in each box, ``[points, boxes]``."""
    points = points[:, None]
    return ((points > boxes[:, :2]) & (points < boxes[:, 2:])).all(axis=2)


def _extent(axes, caption, size):
    """Width and height of a caption in pixels."""
    probe = axes.annotate(caption, (0, 0), xycoords="figure pixels", fontsize=size)
    extent = probe.get_window_extent()
    probe.remove()
    return extent.width + 2, extent.height + 2


def _write(axes, centre, middle, line, caption, size):
    from matplotlib import patheffects

    style = {"arrowstyle": "-", "color": "#777777", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 3} if line else None
    axes.annotate(
        caption,
        centre,
        xytext=middle,
        xycoords="figure pixels",
        textcoords="figure pixels",
        ha="center",
        va="center",
        fontsize=size,
        arrowprops=style,
        # Readable over error bars.
        path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
        zorder=4,
    )
