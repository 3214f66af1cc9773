"""A loss of one's own beside the package's: nothing knows LDAM by name."""

import textwrap

import pytest

from . import engines

LOSSES = '''
"""Losses of a project of its own."""

from ppcls_lt.basis.registry import register
from ppcls_lt.losses import LongTailLoss
from ppcls_lt.maths.functional import class_cross_entropies, cross_entropy

import paddle  # after ppcls_lt, as Paddle 2.6 needs it


class _Own(LongTailLoss):
    def __init__(self, *, num_class_list=None, s=20.0):
        super().__init__(
            num_class_list=num_class_list, class_weight="none", reduction="mean", allow_empty_classes=False
        )
        self.s = s

    def per_image(self, batch):
        return cross_entropy(self.logit_scale * batch.logits, batch.label)

    def per_class(self, batch):
        return class_cross_entropies(self.logit_scale * batch.logits)


@register("loss")
class Tempered(_Own):
    """Its `s` is none of a classifier."""

    result_key = "Tempered"


@register("loss")
class Cosines(_Own):
    """Its `s` is that of a normalised classifier."""

    result_key = "Cosines"

    @property
    def cosine_scale(self):
        return self.s


@register("loss")
class Second(_Own):
    """Uses another output of the model."""

    result_key = "Second"

    def per_image(self, batch):
        return cross_entropy(batch.outputs["second"], batch.label)
'''


def script(*lines):
    return LOSSES + textwrap.dedent("\n".join(lines))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The digits, and what a script prints of losses of its own in PaddleClas's Engine."""
    place = tmp_path_factory.mktemp("own")
    engines.write_digits(place / "digits")
    return place


@pytest.mark.slow
def test_an_engine_takes_the_scale_of_any_loss(folder):
    code = script(
        """
        import sys
        from pathlib import Path
        from tests import engines
        from ppcls_lt.basis.checks import ConfigError
        from ppcls_lt.maths.classifier import NormalizedLinear

        def engine(name, normalized, **params):
            losses = [{name: {"weight": 1.0, "num_class_list": "auto", **params}}]
            settings = engines.digits_config(Path("digits"), "out", losses=losses, normalized=normalized, epochs=1)
            return engines.build_engine(settings)

        built = engine("Tempered", False)
        print("tempered:", built.train_loss_func.loss_func[0].logit_scale)
        built = engine("Cosines", True, s=16.0)
        layers = [layer for layer in built.model.sublayers() if isinstance(layer, NormalizedLinear)]
        print("cosines:", layers[0].scale, built.train_loss_func.loss_func[0].logit_scale)
        for name, normalized in (("Cosines", False), ("Tempered", True)):
            try:
                engine(name, normalized)
            except ConfigError as error:
                print("refused:", error)
        loss = Second()
        x = {"logits": paddle.zeros([2, 3]), "second": paddle.to_tensor([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])}
        print("second:", loss(x, paddle.to_tensor([0, 1]))["Second"].item() < 0.01)
        """
    )
    done = engines.run(["-c", code], cwd=folder)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.split(":")[0] in KINDS]
    assert lines[:2] == ["tempered: 1.0", "cosines: 16.0 1.0"]
    assert "Loss.Train[0] Cosines: `s` > 1 is made for cosines, got s = 20" in lines[2]
    assert "takes its scale `s` from LDAMLoss, or another loss" in lines[3] and "allow_unnormalized" not in lines[2]
    assert lines[4] == "second: True"


KINDS = ("tempered", "cosines", "refused", "second")
