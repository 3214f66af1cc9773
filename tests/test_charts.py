"""Charts of the images per class, in text and as PNG."""

import numpy as np
import pytest

from ppcls_lt.data import charts
from ppcls_lt.data.groups import shot_groups
from ppcls_lt.data.profiles import long_tail_profile


def text(counts, width=60, blocks=True, thresholds=(100, 20)):
    return charts.text_chart(counts, shot_groups(counts, thresholds), width=width, blocks=blocks)


class TestTextChart:
    def test_a_few_classes(self):
        assert text([400, 0, 50, 1], width=34) == [
            "class  images  group",
            "    0     400  many    ███████████",
            "    1       0  few",
            "    2      50  medium  █▍",
            "    3       1  few     ▏",
        ]

    def test_ascii(self):
        assert text([400, 0, 50, 1], width=33, blocks=False) == [
            "class  images  group",
            "    0     400  many    ##########",
            "    1       0  few",
            "    2      50  medium  #",
            "    3       1  few     #",
        ]

    @pytest.mark.parametrize("class_num", [1, 2, 10, 40, 41, 1000, 8142])
    @pytest.mark.parametrize("blocks", [True, False])
    def test_fits_the_width(self, class_num, blocks):
        counts = np.array(long_tail_profile(5000, 1000, class_num))[::-1]
        lines = text(counts, width=80, blocks=blocks)
        assert len(lines) == 1 + (class_num if class_num <= 40 else 20)
        assert max(map(len, lines)) == 80

    def test_many_classes_are_sorted_into_bins(self):
        counts = np.random.default_rng(0).permutation(np.arange(1, 101))
        lines = [line.split() for line in text(counts)]
        assert lines[1][:7] == ["1", "to", "5", "100", "to", "96", "98.0"]
        assert lines[20][:7] == ["96", "to", "100", "5", "to", "1", "3.0"]

    def test_blocks_need_an_encoding_that_has_them(self):
        assert charts.has_blocks("utf-8") and charts.has_blocks("gb18030")
        assert not any(map(charts.has_blocks, ("ascii", "latin-1", "no such encoding")))


class TestPngChart:
    @pytest.mark.slow
    @pytest.mark.parametrize("class_num", [1, 40, 41, 8142])
    def test_is_a_picture_and_always_the_same(self, class_num):
        counts = np.array(long_tail_profile(1000, 500, class_num))
        groups = shot_groups(counts)
        data = charts.png_chart(counts, groups, "title")
        assert data.startswith(b"\x89PNG\r\n")
        assert data == charts.png_chart(counts, groups, "title")
        assert data != charts.png_chart(counts + 1, groups, "title")
