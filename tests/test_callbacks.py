"""Callbacks in real trainings: when each point is reached, and when each schedule switches."""

import numpy as np
import paddle
import pytest

from ppcls_lt.data.weighting import class_weights

from . import engines
from .observers import Recorder

RECORDER = {"tests.observers.Recorder": None}
EPOCHS = 5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The digits, in ``train.txt`` one of three of each class, and all in ``whole.txt``."""
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    lines = (folder / "train.txt").rename(folder / "whole.txt").read_text().splitlines(keepends=True)
    classes = [[line for line in lines if line.split()[1] == str(label)][::3] for label in range(10)]
    chosen = set(sum(classes, []))
    (folder / "train.txt").write_text("".join(line for line in lines if line in chosen))
    return folder


@pytest.fixture
def train(data, tmp_path):
    """Train on the digits with the given callbacks; return the engine and what the recorder saw."""

    def trained(callbacks, *, losses=None, sampler=None, listing="train.txt", **overrides):
        settings = engines.digits_config(
            data, tmp_path, losses=losses or [engines.listed("FocalLoss")], epochs=EPOCHS, overwrite=True, **overrides
        )
        settings["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(data / listing)
        if sampler is not None:
            settings["DataLoader"]["Train"]["sampler"] = {"batch_size": 32, "drop_last": False, **sampler}
        settings["Callbacks"] = [*callbacks, RECORDER]
        engine = engines.build_engine(settings)
        engine.train()
        return engine, Recorder.last

    return trained


@pytest.mark.slow
def test_points_come_in_order(train):
    engine, recorder = train([])
    steps = len(engine.train_dataloader)
    expected = ["model built", "checkpoint loaded"]
    for epoch in range(1, EPOCHS + 1):
        expected += [f"epoch {epoch} starts", *["step"] * steps, f"epoch {epoch} ends", "save"]
    assert recorder.points == expected and recorder.resumed is False


def test_a_step_ends_after_its_update(train):
    """At the epoch's end nothing is left to update: the weights seen there are those of the next start."""
    recorder = train([])[1]
    for epoch in range(1, EPOCHS):
        end, start = recorder.epochs[epoch]["end"], recorder.epochs[epoch + 1]["start"]
        assert all((end[key] == start[key]).all() for key in end)
        assert any((recorder.epochs[epoch]["start"][key] != end[key]).any() for key in end)


@pytest.mark.slow
@pytest.mark.parametrize("start, first", [(3, 3), (0.4, 3), (0.8, 5), (1, 1), (0.0, 1)])
def test_class_weights_come_with_the_documented_epoch(start, first, train):
    engine, recorder = train([{"DeferredReweighting": {"start": start}}])
    counts = np.bincount(engine.train_dataloader.dataset.labels)
    for epoch in range(1, EPOCHS + 1):
        weights = recorder.epochs[epoch]["class_weight"]
        if epoch < first:
            assert weights is None
        else:
            np.testing.assert_allclose(weights, class_weights("effective_number", counts, owner="test"))


@pytest.mark.slow
def test_class_weights_change_the_training_from_that_epoch_only(train):
    plain, deferred = train([])[1], train([{"DRW": {"start": 4}}])[1]
    for epoch in range(1, EPOCHS + 1):
        same = all((plain.epochs[epoch]["end"][k] == v).all() for k, v in deferred.epochs[epoch]["end"].items())
        assert same == (epoch < 4)


def test_a_loss_keeps_its_own_class_weights_until_then(train):
    _, recorder = train(
        [{"DeferredReweighting": {"start": 3, "class_weight": [1.0] * 9 + [5.0]}}],
        losses=[engines.listed("CostSensitiveCE")],
    )
    own = recorder.epochs[1]["class_weight"]
    assert own[0] < own[9] == 1.0
    np.testing.assert_array_equal(recorder.epochs[2]["class_weight"], own)
    np.testing.assert_array_equal(recorder.epochs[3]["class_weight"], [1.0] * 9 + [5.0])


@pytest.mark.slow
def test_resampling_begins_with_the_documented_epoch(train):
    sampler = {"name": "WeightBalancedSampler", "mode": "class_balanced"}
    engine, recorder = train([{"DeferredResampling": {"start": 3}}], sampler=sampler, listing="whole.txt")
    labels = np.array(engine.train_dataloader.dataset.labels)
    counts = np.bincount(labels)
    for epoch in range(1, EPOCHS + 1):
        order = recorder.epochs[epoch]["order"]
        assert len(order) == len(labels)
        drawn = np.bincount(labels[order], minlength=10)
        if epoch < 3:
            assert sorted(order) == list(range(len(labels)))
        else:
            assert len(set(order)) < len(labels)
            assert drawn.min() > 2 * counts.min() and drawn.max() < counts.max() / 2
    assert recorder.epochs[1]["order"] != recorder.epochs[2]["order"]


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["Cosine", "Piecewise"])
def test_ibs_recipe_changes_loss_and_learning_rate_together(schedule, data, tmp_path):
    def trained(callbacks):
        settings = engines.digits_config(
            data, tmp_path, losses=[engines.listed("IBLoss")], epochs=EPOCHS, overwrite=True
        )
        if schedule == "Piecewise":
            settings["Optimizer"]["lr"] = {
                "name": "Piecewise",
                "decay_epochs": [2, 4],
                "values": [0.05, 0.02, 0.01],
                "by_epoch": True,
            }
        settings["Callbacks"] = [*callbacks, RECORDER]
        engines.build_engine(settings).train()
        return Recorder.last.epochs

    plain = trained([])
    scheduled = trained([{"LossSchedule": {"before": "CELoss", "start": 3, "lr_scale": 0.01}}])
    for epoch in range(1, EPOCHS + 1):
        assert scheduled[epoch]["loss"] == (["CELoss"] if epoch < 3 else ["IBLoss"])
        np.testing.assert_allclose(
            scheduled[epoch]["lr"], np.array(plain[epoch]["lr"]) * (1.0 if epoch < 3 else 0.01), rtol=1e-12
        )


@pytest.mark.slow
def test_the_loss_before_is_the_loss_alone(train):
    """Until its epoch, a schedule trains exactly as its first loss by itself does."""
    losses = [engines.listed("IBLoss")]
    scheduled = train(
        [{"LossSchedule": {"before": [engines.listed("LDAMLoss")], "start": 4}}], losses=losses, normalized=True
    )[1]
    alone = train([], losses=[engines.listed("LDAMLoss")])[1]
    for epoch in range(1, EPOCHS + 1):
        same = all((alone.epochs[epoch]["end"][k] == v).all() for k, v in scheduled.epochs[epoch]["end"].items())
        assert same == (epoch < 4)


@pytest.mark.parametrize("name", ["StepDecay", "LinearWarmup", "CosineAnnealingDecay", "ReduceOnPlateau"])
def test_a_factor_leaves_a_schedules_own_state_alone(name):
    from ppcls_lt.engine.learning_rates import scale_schedule

    lr = paddle.optimizer.lr

    def build():
        return {
            "StepDecay": lambda: lr.StepDecay(0.1, step_size=2),
            "LinearWarmup": lambda: lr.LinearWarmup(lr.CosineAnnealingDecay(0.1, 10), 3, 0.0, 0.1),
            "CosineAnnealingDecay": lambda: lr.CosineAnnealingDecay(0.1, 10),
            "ReduceOnPlateau": lambda: lr.ReduceOnPlateau(0.1, patience=0),
        }[name]()

    plain, scaled = build(), build()
    steps = [[1.0]] * 8 if name == "ReduceOnPlateau" else [[]] * 8
    for number, arguments in enumerate(steps):
        factor = 1.0 if number < 4 else 0.01
        scale_schedule(scaled, factor)
        assert scaled() == pytest.approx(plain() * factor, rel=1e-12)
        plain.step(*arguments)
        scaled.step(*arguments)
    assert scaled.state_dict() == plain.state_dict()
    assert type(scaled).__name__ == name and isinstance(scaled, type(plain))
