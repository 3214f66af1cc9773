"""The functions of ppcls_lt.testing.losses catch what they are there for."""

import numpy as np
import paddle
import pytest

from ppcls_lt.losses import LongTailLoss
from ppcls_lt.maths.functional import class_cross_entropies, cross_entropy
from ppcls_lt.testing.losses import check_loss


class Plain(LongTailLoss):
    result_key = "Plain"

    def __init__(self, *, reduction="mean"):
        super().__init__(num_class_list=None, class_weight="none", reduction=reduction, allow_empty_classes=False)


class WithoutKey(Plain):
    result_key = None


class Positional(Plain):
    def __init__(self, reduction="mean"):
        super().__init__(reduction=reduction)


class WrongForSoftLabels(Plain):
    def per_class(self, batch):
        return 2.0 * class_cross_entropies(batch.logits)


class Overflows(Plain):
    def per_image(self, batch):
        return paddle.exp(cross_entropy(batch.logits, batch.label))

    def per_class(self, batch):
        return paddle.exp(class_cross_entropies(batch.logits))


class Saves(Plain):
    def __init__(self, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.register_buffer("extra", paddle.ones([1]))


def formula(logits, label):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(label)), label]).mean())


def test_a_sound_loss_passes():
    check_loss(Plain, formula=formula)


@pytest.mark.parametrize(
    "loss, said",
    [
        (WithoutKey, "result_key is a name"),
        (Positional, "keyword-only parameters, got ['reduction']"),
        (WrongForSoftLabels, "soft"),
        (Overflows, "not finite"),
        (Saves, "nothing to save, got ['extra']"),
    ],
)
def test_a_fault_is_named(loss, said):
    with pytest.raises(AssertionError) as error:
        check_loss(loss)
    assert said in str(error.value)


def test_another_formula_is_named():
    with pytest.raises(AssertionError, match="the formula gives .*, the loss"):
        check_loss(Plain, formula=lambda logits, label: 2 * formula(logits, label))
