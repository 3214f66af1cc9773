"""What samplers, modes, metrics and callbacks are held to: ours keep to it, and what does not is told so."""

import inspect
import re

import numpy as np
import paddle
import pytest

from ppcls_lt.basis import registry
from ppcls_lt.callbacks import Callback
from ppcls_lt.data.sampling_modes import Mode, add_mode, mode_parameters, modes
from ppcls_lt.metrics import LongTailMetric, OneNumber
from ppcls_lt.samplers import WeightBalancedSampler
from ppcls_lt.testing.callbacks import check_callback, check_resumes
from ppcls_lt.testing.metrics import check_metric
from ppcls_lt.testing.samplers import COUNTS, check_mode, check_sampler

from . import engines, metric_reference
from .test_resampling import RULES, reference_probabilities

CLASS_COUNTS = [500, 200, 100, 50, 20, 19, 5, 1]
GROUPS = {"many": [0, 1], "medium": [2, 3, 4], "few": [5, 6, 7]}
METRICS = {"ManyMediumFewAcc": {"num_class_list": CLASS_COUNTS}}
CALLBACKS = {"LossSchedule": {"before": "CELoss", "start": 2}}


def fails(check, said):
    with pytest.raises(AssertionError, match=said):
        check()


class TestSampler:
    @pytest.mark.parametrize("mode, params, parameter", RULES)
    def test_ours_in_every_mode(self, mode, params, parameter):
        if modes()[mode].over_run:
            params, shares = {"total_epochs": 9}, None
        else:
            shares = reference_probabilities(mode, COUNTS, parameter)
        check_sampler(WeightBalancedSampler, mode=mode, shares=shares, **params)
        with pytest.raises(AssertionError):
            check_sampler(WeightBalancedSampler, mode=mode, shares=[0.1, 0.1, 0, 0.1, 0.7], **params)

    def test_a_length_that_is_another(self):
        class Shorter(WeightBalancedSampler):
            def __iter__(self):
                return iter(list(super().__iter__())[1:])

        fails(lambda: check_sampler(Shorter), r"Shorter: len\(\) must be the number of batches, 24, got 25")

    def test_batches_of_numpy(self):
        class Arrays(WeightBalancedSampler):
            def __iter__(self):
                return (np.array(batch) for batch in super().__iter__())

        fails(lambda: check_sampler(Arrays), "Arrays: a batch must be a list of integers of Python")

    def test_global_random_states(self):
        class Reads(WeightBalancedSampler):
            def __iter__(self):
                offset = np.random.randint(100)
                self.epoch = 1000 * self.epoch + offset
                return super().__iter__()

        fails(lambda: check_sampler(Reads), "Reads: epoch . must be the same whenever it is drawn")

        class Seeds(WeightBalancedSampler):
            def __iter__(self):
                for batch in super().__iter__():
                    np.random.seed(3)
                    yield batch

        fails(lambda: check_sampler(Seeds), "Seeds: (an epoch that has begun|global random states must stay)")

    def test_processes_that_draw_for_themselves(self):
        class Alone(WeightBalancedSampler):
            def _generator(self, epoch, purpose):
                return np.random.default_rng([epoch, self.rank])

        fails(lambda: check_sampler(Alone), r"Alone: in step 0 no process of 2 has the images \[")

    def test_one_process_alone(self):
        class Single(paddle.io.BatchSampler):
            def __init__(self, dataset, *, batch_size):
                super().__init__(dataset, batch_size=batch_size)

            def set_epoch(self, epoch):
                pass

        fails(lambda: check_sampler(Single), "Single must take `rank` and `num_replicas`")

    def test_no_epochs(self):
        class Plain(paddle.io.BatchSampler):
            def __init__(self, dataset, *, batch_size):
                super().__init__(dataset, batch_size=batch_size)

        fails(lambda: check_sampler(Plain), r"Plain must have `set_epoch\(epoch\)`")


@pytest.fixture
def added():
    """Whatever modes a test adds are forgotten after it."""
    before = registry.state()
    yield add_mode
    registry.restore(before)


class TestMode:
    @pytest.mark.parametrize("mode, params, parameter", RULES)
    def test_ours(self, mode, params, parameter):
        check_mode(mode, **params)

    def test_every_one_has_its_formula_in_the_tests_and_in_the_docs(self):
        page = (engines.ROOT / "docs" / "samplers.md").read_text(encoding="utf-8")
        assert {rule[0] for rule in RULES} == set(modes())
        assert {name for name in modes() if not re.search(rf"^\| `{name}`", page, re.MULTILINE)} == set()
        assert {name for name in mode_parameters() if not re.search(rf"^\| `{name}` \|", page, re.MULTILINE)} == set()

    def test_one_entry_adds_one_everywhere(self, added, ppcls):
        capped = Mode(
            lambda n, most: np.minimum(n, most) / n, "min(n_c, most) / n_c", "none", "most", {"minimum": 1}, 10
        )
        added("capped", capped)
        check_mode("capped")
        check_sampler(WeightBalancedSampler, mode="capped", shares=[10, 10, 0, 9, 3])
        check_sampler(WeightBalancedSampler, mode="capped", most=5, shares=[5, 5, 0, 5, 3])
        from ppcls_lt.host.known_keys import parameters

        assert {"most", "beta", "exponent", "mode"} <= set(parameters(WeightBalancedSampler).names)
        assert not parameters(WeightBalancedSampler).swallows

    def test_mistakes(self, added):
        entry = Mode(lambda n: n, "n_c", "none")
        with pytest.raises(ValueError, match="mode 'power' is registered already"):
            added("power", entry)
        with pytest.raises(ValueError, match="mode 'x': a sampler has an argument 'seed' already"):
            added("x", entry._replace(parameter="seed"))
        added("negative", Mode(lambda n: -n, "-n_c", "none"))
        with pytest.raises(ValueError, match="`mode` must be one that gives a weight >= 0 for each class"):
            check_mode("negative")

    def test_the_reserved_names_are_the_samplers_arguments(self):
        from ppcls_lt.data.sampling_modes import RESERVED

        arguments = inspect.signature(WeightBalancedSampler).parameters
        assert set(RESERVED) == set(arguments) - {"parameters"}


class TestMetric:
    @pytest.mark.parametrize("name", metric_reference.METRICS)
    def test_ours(self, name):
        def reference(logits, label):
            return metric_reference.expected(logits, label, GROUPS)

        check_metric(metric_reference.METRICS[name], reference, **METRICS.get(name, {}))

    def test_a_value_that_is_another(self):
        class Accuracy(OneNumber):
            @staticmethod
            def from_counts(support, predicted, right):
                return float(right.sum() / support.sum())

        check_metric(Accuracy, lambda logits, label: {"Accuracy": np.mean(logits.argmax(axis=1) == label)})
        wrong = lambda logits, label: {"Accuracy": 0.5}  # noqa: E731
        fails(lambda: check_metric(Accuracy, wrong), r"Accuracy: 203 images of 8 classes: Accuracy must be 0.5, got")

    def test_a_mean_of_batches(self):
        class OfBatches(LongTailMetric):
            keys = ("OfBatches",)

            def __init__(self):
                super().__init__()
                self.shares = []

            def reset(self):
                super().reset()
                self.shares = []

            def __call__(self, x, label):
                logits = x["logits"] if isinstance(x, dict) else x
                self.shares.append(float((logits.argmax(axis=1) == label.flatten()).astype("float32").mean()))
                return super().__call__(x, label)

            def values(self):
                return {"OfBatches": float(np.mean(self.shares)) if self.shares else float("nan")}

        fails(lambda: check_metric(OfBatches), "OfBatches: 203 images in another order and 7 batches: OfBatches")

    def test_undefined_values(self):
        class Zero(OneNumber):
            def values(self):
                return {"Zero": 0.0}

        fails(lambda: check_metric(Zero), "Zero: without images every value must be NaN, got {'Zero': 0.0}")

    def test_no_metric(self):
        fails(lambda: check_metric(paddle.metric.Accuracy), "Accuracy must be a subclass of ppcls_lt.metrics.LongTail")


class Shrinks(Callback):
    """Shrinks the class vectors, in every epoch a little more; without its count where that is told to be left out."""

    def __init__(self, *, forgets=False):
        self.forgets = forgets
        self.epochs = 0

    def on_epoch_end(self, run):
        self.epochs += 1
        _, layer = run.classifier()
        layer.weight.set_value(layer.weight / (1 + self.epochs))

    def state_dict(self):
        return {} if self.forgets else {"epochs": self.epochs}

    def load_state_dict(self, state):
        self.epochs = state.get("epochs", 0)


class TestCallback:
    @pytest.mark.parametrize("name", registry.registered("callback"))
    def test_ours(self, name):
        check_callback(registry.registered("callback")[name], **CALLBACKS.get(name, {}))

    def test_what_does_not_hold(self):
        class Positional(Callback):
            def __init__(self, start=1):
                self.start = start

        class Other(Callback):
            def on_epoch_end(self, run, epoch):
                pass

        class Tensors(Callback):
            def state_dict(self):
                return {"weight": paddle.zeros([2])}

        fails(lambda: check_callback(Positional), "Positional: parameters must be keyword-only")
        fails(lambda: check_callback(Other), r"Other: on_epoch_end must take \(self, run\), got \(self, run, epoch\)")
        fails(lambda: check_callback(Tensors), r"Tensors: state_dict\(\) must give a dict of numbers, text and NumPy")
        fails(lambda: check_callback(dict), "dict must be a subclass of ppcls_lt.callbacks.Callback")

    @pytest.mark.slow
    def test_a_run_that_goes_on(self, ppcls, tmp_path):
        check_resumes(Shrinks, tmp_path / "keeps")
        fails(lambda: check_resumes(Shrinks, tmp_path / "forgets", forgets=True), "Shrinks: fc.weight is another one")
