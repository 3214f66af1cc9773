"""Samplers of PaddleClas that shuffle in place: an epoch is the same whatever came before it."""

import random

import numpy as np
import pytest

from ppcls_lt import host
from ppcls_lt.callbacks import Callback

from . import engines


class Labelled:
    """A data set of labels alone."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)


def built(ppcls, name):
    dataset = Labelled(np.repeat(np.arange(8), 12).tolist())
    kind = getattr(ppcls.module("data.dataloader"), name, None)
    if kind is None:
        pytest.skip(f"this PaddleClas has no {name}")
    if name == "PKSampler":
        return kind(dataset, batch_size=8, sample_per_id=2)
    random.seed(0)
    return kind(dataset, scales=[32, 64], first_bs=8, divided_factor=32, is_training=True)


def epoch(sampler, order, number):
    """What an epoch draws, seeded as the engine does it."""
    np.random.seed(number)
    order.put_back()
    sampler.set_epoch(number)
    return [np.array(batch).tolist() for batch in sampler]


@pytest.mark.parametrize("name", ["PKSampler", "MultiScaleSampler"])
def test_an_epoch_depends_on_its_number_alone(ppcls, name):
    unbroken, resumed = built(ppcls, name), built(ppcls, name)
    orders = [host.samplers.Order(each) for each in (unbroken, resumed)]
    draws = [epoch(unbroken, orders[0], number) for number in range(3)]
    assert epoch(resumed, orders[1], 2) == draws[2] and draws[0] != draws[1] != draws[2]


def test_a_seed_of_its_own_leaves_a_sampler_as_it_is(ppcls):
    """It begins each epoch's draws alike, so that from one order all epochs were the same."""
    sampler = built(ppcls, "MultiScaleSampler")
    sampler.seed = 5
    order = host.samplers.Order(sampler)
    draws = [epoch(sampler, order, number) for number in range(2)]
    assert draws[0] != draws[1]
    (told,) = order.not_resumed({"Global": {"seed": 1}})
    assert told.startswith("MultiScaleSampler with a seed of its own")


def test_another_sampler_is_left_alone():
    class Other:
        label_list = (1, 2)

    for sampler in (Other(), None):
        order = host.samplers.Order(sampler)
        order.put_back()
        assert list(order.not_resumed({"Global": {"seed": 1}, "Loss": {"Train": [{"CELoss": None}]}})) == []
    order = host.samplers.Order(None)
    assert list(order.not_resumed({"Global": {}, "Loss": {"Train": [{"ContrastiveLoss_XBM": None}]}})) == [
        "ContrastiveLoss_XBM fills its memory anew"
    ]


class Seen(Callback):
    """Keeps the images of each epoch, and may end the training as an error would."""

    ends_at, epochs = None, {}

    def on_epoch_start(self, run):
        if run.epoch == self.ends_at:
            raise InterruptedError
        self.epochs.pop(run.epoch, None)

    def on_epoch_end(self, run):
        self.epochs[run.epoch] = [run.sampler.batch(step) for step in range(run.steps)]


@pytest.mark.slow
def test_a_resumed_training_sees_the_images_of_an_unbroken_one(ppcls, tmp_path, monkeypatch):
    built(ppcls, "PKSampler")
    data = engines.write_digits(tmp_path / "digits")

    def train(output, **more):
        config = engines.digits_config(
            data, tmp_path / output, losses=[{"CELoss": {"weight": 1.0}}], epochs=3, save_interval=1, seed=3, **more
        )
        config["Global"]["eval_during_train"] = False
        sampler = {"name": "PKSampler", "batch_size": 8, "sample_per_id": 2}
        config["DataLoader"]["Train"]["sampler"] = type(config)(sampler)
        config["Callbacks"] = [{f"{__name__}.Seen": None}]
        engines.build_engine(config).train()

    train("unbroken")
    unbroken = dict(Seen.epochs)
    Seen.epochs.clear()
    monkeypatch.setattr(Seen, "ends_at", 3)
    with pytest.raises(InterruptedError):
        train("broken")
    monkeypatch.setattr(Seen, "ends_at", None)
    train("broken", resume=True)
    assert Seen.epochs == unbroken and unbroken[2] != unbroken[3]
