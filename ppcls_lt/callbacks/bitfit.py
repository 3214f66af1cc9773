"""Training the biases of a pretrained model and its classifier, and nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..basis import checks
from ..basis.registry import register
from .freeze_layers import FreezeLayers

if TYPE_CHECKING:
    from ..engine.run import Run

# Of `Arch`: small layers that are trained in the place of the model, which would be frozen too.
_ADAPTERS = ("adaptformer", "lora")


@register("callback")
class BitFit(FreezeLayers):
    """Freeze everything but the biases and the final classifier.

    The biases are those of convolutions, Linear layers, BatchNorm and LayerNorm. A layer of which a bias is trained
    stays in training mode: the statistics of a BatchNorm follow the images; its factor does not move. Layers without a
    bias are frozen as :class:`FreezeLayers` does it.

    Raises:
        ConfigError: beside ``FreezeLayers``, ``Arch.adaptformer`` or ``Arch.lora``, or the model has no bias outside
            its classifier.

    Source: Ben Zaken et al., "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked
    Language-models", ACL 2022; ``bias_tuning`` of LIFT's code. They know no BatchNorm.
    """

    only_once = True
    needs_classifier = True

    def __init__(self) -> None:
        super().__init__()
        self._learned = self._whole = 0

    def check(self, config: dict) -> None:
        owner = type(self).__name__
        names = [name for entry in config["Callbacks"] for name in (entry if isinstance(entry, dict) else [entry])]
        if FreezeLayers.__name__ in names:
            checks.fail(owner, "Callbacks", f"a list without {FreezeLayers.__name__}", checks.described("both"))
        for key in _ADAPTERS:
            if config["Arch"].get(key) not in (None, False):
                got = checks.described("a section: its layers would be frozen as well")
                checks.fail(owner, f"Arch.{key}", "left out", got, "take one of the two")

    def on_model_built(self, run: Run) -> None:
        parameters = [each for each in run.model.parameters() if not each.stop_gradient]
        super().on_model_built(run)
        frozen = self._chosen(run)
        self._whole = _number(parameters)
        self._learned = _number([each for each in parameters if id(each) not in frozen])

    def _chosen(self, run):
        learned = {id(each) for each in run.classifier()[1].parameters()}
        biases = {
            id(each) for name, each in run.model.named_parameters() if name.rpartition(".")[2] == "bias"
        } - learned
        if not biases:
            got = checks.described(
                "one without, of which the classifier alone would be trained; FreezeLayers does that"
            )
            checks.fail(type(self).__name__, "Arch.name", "an architecture with biases", got)
        return {id(each) for each in run.model.parameters()} - learned - biases

    def announcement(self, run: Run) -> str:
        share = self._learned / self._whole
        return f"trained: biases and classifier, {self._learned} of {self._whole} parameters ({share:.2%})"


def _number(parameters):
    return sum(math.prod(each.shape) for each in parameters)
