r"""Adjusting a trained classifier without training it.

Every method is linear in the features h that enter the classifier, so that what it gives is a Linear again:

.. math:: z'_c = a_c \, (w_c \cdot h) + d_c + m \, (v_c \cdot h)

with the class vectors w, the directions v of the class means, and a :class:`Change` (a, d, m). Strength 0 is no
adjustment. NumPy alone; images are gone through some at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple

import numpy as np

from ..basis import checks
from ..data.list_files import listed_classes
from . import fitting

OWNER = "ppcls-lt adjust"
UNIFORM = "uniform"
# Below this norm a vector has no direction.
_SMALLEST_NORM = 1e-12
_AT_A_TIME = 2**22  # logits
_TENTHS_TO_TWO = tuple(round(0.1 * i, 1) for i in range(21))
_TENTHS = _TENTHS_TO_TWO[:11]


class Classifier(NamedTuple):
    """A trained classifier, and what is known of its classes."""

    weight: np.ndarray  # class vectors w, float64 [D, C]
    bias: np.ndarray  # float64 [C], zeros where it has none
    counts: np.ndarray  # training images [C]
    target: np.ndarray  # prior of the classes where the model is to be used [C], sums to 1
    normalized: bool = False  # whether only the direction of a trained class vector counts
    means: np.ndarray | None = None  # class means of the training images' features at unit length, [D, C]


class Outputs(NamedTuple):
    """What a classifier gives for N images."""

    dense: np.ndarray  # w_c . h, [N, C]
    label: np.ndarray  # [N]
    near: np.ndarray | None = None  # v_c . h, [N, C]

    def of(self, chosen: np.ndarray) -> Outputs:
        """Return the chosen images, positions or flags ``[N]``."""
        return Outputs(self.dense[chosen], self.label[chosen], None if self.near is None else self.near[chosen])

    def parts(self) -> Iterator[Outputs]:
        """Yield the images some at a time."""
        step = max(1, _AT_A_TIME // max(self.dense.shape[1], 1))
        for start in range(0, len(self.label), step):
            yield self.of(slice(start, start + step))  # type: ignore[arg-type]  # a slice chooses as well


class Change(NamedTuple):
    """What becomes of the logits, see the module's formula."""

    scale: np.ndarray  # a [C]
    offset: np.ndarray  # d [C]
    mix: float = 0.0  # m

    def logits(self, outputs: Outputs) -> np.ndarray:
        """Return the adjusted logits, float64 ``[N, C]``."""
        found = outputs.dense * self.scale + self.offset
        return found if outputs.near is None or not self.mix else found + self.mix * outputs.near

    def times(self, factor: float) -> Change:
        """Return the change after which all logits are multiplied by a factor."""
        return Change(self.scale * factor, self.offset * factor, self.mix * factor)

    def folded(self, classifier: Classifier) -> tuple[np.ndarray, np.ndarray]:
        """Return the weight ``[D, C]`` and the bias ``[C]`` of the Linear that gives the adjusted logits."""
        weight = classifier.weight * self.scale
        if classifier.means is not None and self.mix:
            weight = weight + self.mix * classifier.means
        return weight, self.offset


def nothing(classifier: Classifier) -> Change:
    """Return the change that changes nothing."""
    return Change(np.ones_like(classifier.bias), classifier.bias)


def predicted(change: Change, outputs: Outputs) -> np.ndarray:
    """Return the class of each image's highest adjusted logit, int64 ``[N]``."""
    return np.concatenate([change.logits(part).argmax(axis=1) for part in outputs.parts()])


def log_probabilities(change: Change, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    """Return the log probabilities of the right class and of the likeliest, ``[N]`` each."""
    found = [fitting.log_probabilities(change.logits(part), part.label) for part in outputs.parts()]
    right, highest = (np.concatenate(each) for each in zip(*found))
    return right, highest


def image_weights(label: np.ndarray, target: np.ndarray) -> np.ndarray:
    r"""Return the weight of each image with which the classes have their target shares, mean 1, ``[N]``.

    .. math:: u_i \propto \pi^*_{y_i} / n_{y_i}

    with the images n of each class here; a class without any is left out.
    """
    images = np.bincount(label, minlength=target.size)
    weights = (target / np.maximum(images, 1))[label]
    return weights * (label.size / weights.sum())


class Method:
    """One way to adjust; ``strength`` 0 changes nothing."""

    name = ""
    parameter = ""  # what its papers call the strength
    strengths: tuple[float, ...] = ()  # that are tried
    highest = np.inf  # of a strength that is given
    fits = False  # whether it looks at the images beyond the choice of the strength
    needs_every_class = False  # whether it fits a number to the images of each class
    needs_means = False
    needs_whole_prior = False  # whether it takes the logarithm of each class's target prior
    by_likelihood = False  # whether the strength is chosen by the likelihood, where the accuracy stays what it is

    def check(self, classifier: Classifier, called: Callable[[int], str] = str) -> None:
        """Raise ``ConfigError`` where it does not suit the classifier, whose classes are ``called`` so."""

    def prepared(self, classifier: Classifier, outputs: Outputs) -> Any:
        """Return what :meth:`change` needs of the images to fit on, whatever the strength."""

    def change(self, classifier: Classifier, prepared: Any, strength: float) -> Change:
        """Return what it makes of the logits.

        Args:
            classifier (Classifier): the trained one.
            prepared: what :meth:`prepared` gave.
            strength (float): > 0.
        """
        raise NotImplementedError


class LogitAdjustment(Method):
    r"""Move the logits from the training images' prior to the target's.

    .. math:: z'_c = z_c - \tau (\log \pi_c - \log \pi^*_c)

    For a uniform target its constant is left out: :math:`z_c - \tau \log \pi_c`.

    Source: Menon et al., "Long-tail learning via logit adjustment", ICLR 2021. Their code (in a port)
    takes :math:`\log(\pi_c^\tau + 10^{-12})`, which differs by up to 2e-5 for very rare classes.
    """

    name, parameter, strengths = "logit_adjustment", "tau", _TENTHS_TO_TWO
    needs_whole_prior = True

    def check(self, classifier: Classifier, called: Callable[[int], str] = str) -> None:
        empty = np.flatnonzero(classifier.counts == 0)
        if empty.size:
            got = checks.described(f"none of {listed_classes(empty, called)}, whose prior has no logarithm")
            checks.fail(OWNER, self.name, "used where every class has training images", got)
        empty = np.flatnonzero(classifier.target == 0)
        if empty.size:
            got = checks.described(f"0 for {listed_classes(empty, called)}")
            checks.fail(OWNER, "--prior", f"above 0 for every class with {self.name}", got)

    def change(self, classifier: Classifier, prepared: Any, strength: float) -> Change:
        shift = np.log(classifier.counts / classifier.counts.sum())
        if np.ptp(classifier.target):
            shift = shift - np.log(classifier.target)
        return Change(np.ones_like(shift), classifier.bias - strength * shift)


class TauNormalisation(Method):
    r"""Divide each class vector by a power of its L2 norm; the bias is dropped.

    .. math:: z'_c = w_c \cdot h / \|w_c\|^\tau

    Source: Kang et al., "Decoupling Representation and Classifier for Long-Tailed Recognition",
    ICLR 2020, and their code, which drops the bias too (with tau 0 as well; here strength 0 keeps it).
    """

    name, parameter, strengths, highest = "tau_norm", "tau", _TENTHS_TO_TWO, 2.0

    def check(self, classifier: Classifier, called: Callable[[int], str] = str) -> None:
        if classifier.normalized:
            got = checks.described("normalized")
            checks.fail(OWNER, self.name, "used on a classifier whose class vectors' norms change the logits", got)

    def change(self, classifier: Classifier, prepared: Any, strength: float) -> Change:
        norms = np.linalg.norm(classifier.weight, axis=0)
        norms = np.where(norms > _SMALLEST_NORM, norms, 1.0)
        return Change(norms**-strength, np.zeros_like(norms))


class ClassOffsets(Method):
    r"""Add an offset to each class's logit that fits the validation images.

    .. math:: z'_c = z_c + o_c, \quad
        o = \arg\min \sum_i u_i \, CE(z_i + o, y_i) + \tfrac{1}{2 \sigma^2} \|o\|^2

    with the images weighted to the target prior. The strength is :math:`\sigma^2`, how far the offsets may go.
    """

    name, parameter, strengths, fits = "class_offsets", "variance", (0.0, 0.01, 0.1, 1.0, 10.0, 100.0), True
    needs_every_class = True

    def prepared(self, classifier: Classifier, outputs: Outputs) -> Any:
        return outputs

    def change(self, classifier: Classifier, prepared: Any, strength: float) -> Change:
        outputs, start = prepared, nothing(classifier)
        weights = image_weights(outputs.label, classifier.target)
        found = fitting.offsets(
            lambda: ((start.logits(part), part.label) for part in outputs.parts()), weights, start.offset.size, strength
        )
        return Change(start.scale, start.offset + found)


class Temperature(Method):
    r"""Divide all logits by one temperature, the likeliest for the target prior; no prediction changes.

    .. math:: z'_c = z_c / T^s

    with the strength s, 1 for the whole of it.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """

    name, parameter, strengths, highest = "temperature", "share", (0.0, 1.0), 1.0
    fits = by_likelihood = True

    def prepared(self, classifier: Classifier, outputs: Outputs) -> Any:
        return inverse_temperature([(nothing(classifier), outputs)], classifier)

    def change(self, classifier: Classifier, prepared: Any, strength: float) -> Change:
        return nothing(classifier).times(prepared**strength)


class NearestClassMean(Method):
    r"""Mix in the nearest class mean: the class whose mean lies closest in direction.

    .. math:: z'_c = (1 - s) z_c + s \, \beta \, v_c \cdot h, \quad v_c = \mu_c / \|\mu_c\|

    with the means of the training images' features; :math:`\beta` is fitted on the validation images. Strength 1
    is the nearest class mean alone: cosine, or distance to means at unit length, the same class is the nearest.

    Source: Kang et al., ICLR 2020.
    """

    name, parameter, strengths, highest = "nearest_class_mean", "share", _TENTHS, 1.0
    fits = needs_means = True

    def check(self, classifier: Classifier, called: Callable[[int], str] = str) -> None:
        empty = np.flatnonzero(classifier.counts == 0)
        if empty.size:
            got = checks.described(f"none of {listed_classes(empty, called)}")
            checks.fail(OWNER, self.name, "used where every class has training images", got)

    def prepared(self, classifier: Classifier, outputs: Outputs) -> Any:
        alone = Change(np.zeros_like(classifier.bias), np.zeros_like(classifier.bias), 1.0)
        return inverse_temperature([(alone, outputs)], classifier)

    def change(self, classifier: Classifier, prepared: Any, strength: float) -> Change:
        return nothing(classifier).times(1 - strength)._replace(mix=strength * prepared)


def inverse_temperature(parts: Sequence[tuple[Change, Outputs]], classifier: Classifier) -> float:
    """Return 1/T of the likeliest temperature for the target prior.

    T lies within 1/20 and 20 times the one that gives the logits the spread which they had before the change.

    Args:
        parts (list): images with the change of their logits.
        classifier (Classifier): the trained one.
    """
    weights = image_weights(np.concatenate([outputs.label for _, outputs in parts]), classifier.target)
    start = nothing(classifier)
    unit = _spread([(start, outputs) for _, outputs in parts]) / _spread(parts)

    def batches():
        for change, outputs in parts:
            for some in outputs.parts():
                yield change.logits(some) * unit, some.label

    return unit * fitting.factor(batches, weights)


def _spread(parts):
    """The logits' standard deviation within an image, the mean of the images; 1 where they have none."""
    found = [change.logits(some).std(axis=1) for change, outputs in parts for some in outputs.parts()]
    return float(np.concatenate(found).mean()) or 1.0


METHODS = {
    method.name: method
    for method in (LogitAdjustment(), TauNormalisation(), ClassOffsets(), NearestClassMean(), Temperature())
}
