"""What all metrics share: the counts of one evaluation pass, and the host's interface."""

import math

import paddle

from ..basis import checks
from .accumulator import PredictionCounts

_WIDE = (paddle.float32, paddle.float64)


class LongTailMetric:
    """Base of the metrics. A metric only reads ``predictions``, counts that a list of metrics shares.

    The host calls ``reset()``, then the metric itself once per batch, then reads
    ``avg`` and ``avg_info``.

    Attributes:
        keys (tuple of str): the names that ``values()`` gives.
        smaller_is_better (bool): of two models the one with the lower value is better.
        predictions (PredictionCounts): of the images since ``reset()``.
    """

    keys = ()
    smaller_is_better = False

    def __init__(self, bins=0):
        self.predictions = PredictionCounts(bins)
        self._feeds = True

    def follow(self, leader):
        """Read the counts that ``leader`` collects, from now on."""
        leader.predictions.bins = leader.predictions.bins or self.predictions.bins
        self.predictions = leader.predictions
        self._feeds = False

    def reset(self):
        """Forget every image seen."""
        if self._feeds:
            self.predictions.reset()

    def __call__(self, x, label):
        """Add a batch: logits ``[N, C]`` (or a dict with them), classes ``[N]`` or ``[N, 1]``."""
        if self._feeds:
            logits = self._logits(x)
            self.predictions.add(logits, self._classes(label, len(logits)))
        return {}

    def values(self):
        """Return the values over all images since ``reset()``: dict from ``keys`` to float.

        NaN is what is undefined: without images, and where an output was not finite.
        """
        raise NotImplementedError

    def impossible(self, images):
        """Return those of ``keys`` that can have no value.

        Args:
            images (array): evaluation images per class ``[C]``, or None if unknown.
        """
        return []

    def score(self, key):
        """Return the value of ``key`` such that more is better: negative where less is."""
        value = self.values()[key]
        return -value if self.smaller_is_better else value

    @property
    def avg(self):
        """Score of the first key, by which the host chooses if this metric comes first; 0 without images."""
        return self.score(self.keys[0]) if self.predictions.begun else 0.0

    @property
    def avg_info(self):
        """The values as the host logs them, but for those that are undefined (so far)."""
        known = [f"{name}: {value:.5f}" for name, value in self.values().items() if not math.isnan(value)]
        return ", ".join(known) or f"{self.keys[0]}: undefined"

    def _logits(self, x):
        logits = x.get("logits") if isinstance(x, dict) else x
        if not isinstance(logits, paddle.Tensor) or logits.ndim != 2:
            got = f"shape {logits.shape}" if isinstance(logits, paddle.Tensor) else type(x).__name__
            checks.fail(type(self).__name__, "x", "logits [N, C], or a dict with them", checks.described(got))
        # The CPU finds no maximum of float16.
        return logits if logits.dtype in _WIDE else logits.astype("float32")

    def _classes(self, label, images):
        if label.shape not in ([images], [images, 1]):
            got = checks.described(f"shape {label.shape} for {images} images")
            checks.fail(type(self).__name__, "label", "one class for each image", got)
        return label.reshape([-1]).astype("int64")


class OneNumber(LongTailMetric):
    """A metric whose one value, under its own name, is a function of the counts per class."""

    def __init__(self):
        super().__init__()

    def __init_subclass__(cls):
        cls.keys = (cls.__name__,)

    def values(self):
        """Return the one value by the metric's name, NaN without images."""
        seen = self.predictions.classes()
        return {self.keys[0]: float("nan") if seen is None else self.from_counts(*seen)}

    @staticmethod
    def from_counts(support, predicted, right):
        """The value of integer arrays ``[C]``: images of each class, predicted as it, both."""
        raise NotImplementedError


def share(metrics):
    """Let metrics that see the same batches count them once: the first feeds, the others read."""
    metrics = list(metrics)
    for metric in metrics[1:]:
        metric.follow(metrics[0])
