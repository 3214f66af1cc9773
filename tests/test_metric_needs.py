"""What metrics need of an evaluation: each thing once, side by side, with what an evaluation keeps itself."""

import math
from collections import Counter

import numpy as np
import paddle
import pytest

from ppcls_lt import metrics
from ppcls_lt.engine.nonfinite import Outputs
from ppcls_lt.engine.recording import PredictionRecorder
from ppcls_lt.metrics import ECE, Batch, Batches, Confidences, Counts, LongTailMetric, TopK

from .metric_reference import METRICS, calibration_error
from .test_metrics import COUNTS, feed, predictions


@pytest.mark.parametrize(
    "need, size",
    [(Counts(), 24 * (len(COUNTS) + 1)), (Confidences(15), 24 * 15), (TopK(3), 8 * (len(COUNTS) + 1))],
    ids=lambda need: type(need).__name__,
)
def test_what_is_kept_grows_with_classes_and_bins_only(need, size):
    kept = need.start(len(COUNTS))
    for seed in range(3):
        logits, label = predictions(40, seed)
        kept = need.add(kept, Batch(paddle.to_tensor(logits), paddle.to_tensor(label)))
        assert kept.numel().item() * kept.element_size() == size


class Top(LongTailMetric):
    """A user's metric: the accuracy with k guesses, of all images."""

    def __init__(self, k):
        self.keys = (f"top{k}",)
        self.needs = (Counts(), TopK(k))
        super().__init__()

    def values(self):
        counts, hits = map(self.predictions.of, self.needs)
        return {self.keys[0]: math.nan if counts is None else hits.sum() / counts.support.sum()}


class TestNeeds:
    def test_of_each_metric_of_a_list_are_met(self):
        logits, label = predictions(150, 2)
        several = [ECE(bins=15), ECE(bins=4), Top(1), Top(20), Top(3), ECE(bins=15)]
        metrics.share(several)
        feed(several[0], 3 * logits, label, 4)
        errors = [metric.values()["ECE"] for metric in several if isinstance(metric, ECE)]
        assert errors == pytest.approx([calibration_error(3 * logits, label, bins) for bins in (15, 4, 15)], rel=1e-9)
        order = np.argsort(-logits, axis=1)
        for metric, k in zip(several[2:5], (1, 20, 3)):
            wanted = np.mean((order[:, :k] == label[:, None]).any(axis=1))
            assert metric.values() == {f"top{k}": pytest.approx(wanted)}

    def test_that_are_equal_are_computed_once_with_what_an_evaluation_keeps(self, ppcls, monkeypatch):
        """For metrics, predictions and what is not finite; only the softmax of the predictions is not in float64."""
        done = Counter()

        def counting(owner, name):
            function = getattr(owner, name)
            monkeypatch.setattr(
                owner, name, lambda *args, **kwargs: (done.update([name]), function(*args, **kwargs))[1]
            )

        names = [name for name in METRICS if name != "ManyMediumFewAcc"]
        combined = ppcls.module("metric").build_metrics([{name: None} for name in names])
        several = [*combined.metric_func_list, ECE(bins=4), Top(2), Top(5), Top(1)]
        combined.metric_func_list[:] = several
        batches = Batches()
        metrics.share(several, batches)
        outputs, recorder = Outputs(batches), PredictionRecorder(batches)
        combined.register_forward_pre_hook(recorder)
        combined.register_forward_post_hook(outputs)
        for name in ("argmax", "topk"):
            counting(paddle.Tensor, name)
        counting(paddle, "isfinite")
        counting(paddle.nn.functional, "softmax")
        for seed in range(3):
            combined(*map(paddle.to_tensor, predictions(30, seed)))
            batches.forget()
        assert done == {"softmax": 6, "argmax": 3, "topk": 3, "isfinite": 3}
        assert outputs.images == len(recorder.result(1).label) == several[0].predictions.classes().support.sum() == 90

    def test_that_nobody_declares_are_not_there(self):
        with pytest.raises(KeyError, match=r"TopK\(k=5\), which no metric of the list declares in its `needs`"):
            ECE().predictions.of(TopK(5))
