"""When something starts, as a share of the run: exact, where binary fractions are not."""

import math
from fractions import Fraction

import pytest

from ppcls_lt.callbacks._start import first_epoch


def test_a_share_in_hundredths_is_exact():
    for epochs in range(1, 201):
        for hundredths in range(100):
            expected = math.floor(Fraction(hundredths, 100) * epochs) + 1
            assert first_epoch("test", hundredths / 100, epochs) == expected, (hundredths, epochs)


@pytest.mark.parametrize("start, epochs, epoch", [(0.29, 100, 30), (0.8, 200, 161), (0.999, 100, 100), (7, 100, 7)])
def test_epochs_in_numbers(start, epochs, epoch):
    assert first_epoch("test", start, epochs) == epoch
