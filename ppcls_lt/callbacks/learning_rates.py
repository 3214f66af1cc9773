"""Other learning rates for the backbone than for the classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..basis import checks
from ..basis.registry import register
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class DiscriminativeLearningRates(Callback):
    """Train the backbone and the classifier with learning rates of their own.

    The rate of each is the schedule's times its factor; the classifier is the final Linear, the backbone all else.

    Args:
        backbone (float): factor on the learning rate of the backbone, > 0.
        classifier (float): factor on that of the classifier, > 0.

    Raises:
        ConfigError: a factor is not what it must be.

    Source: discriminative fine-tuning of Howard and Ruder, "Universal Language Model Fine-tuning for Text
    Classification", ACL 2018. Deviation: two groups, where they divide the rate by 2.6 from layer to layer.
    """

    only_once = True
    needs_classifier = True

    def __init__(self, *, backbone: float = 0.1, classifier: float = 1.0) -> None:
        owner = type(self).__name__
        self.backbone = checks.number(owner, "backbone", backbone, above=0)
        self.classifier = checks.number(owner, "classifier", classifier, above=0)

    def on_model_built(self, run: Run) -> None:
        own = {id(parameter) for parameter in run.classifier()[1].parameters()}
        for parameter in run.model.parameters():
            # Multiplied: architectures and other callbacks have factors too.
            parameter.optimize_attr["learning_rate"] *= self.classifier if id(parameter) in own else self.backbone

    def announcement(self, run: Run) -> str:
        return f"learning rates: the schedule's times {self.backbone:g} (backbone) and {self.classifier:g} (classifier)"
