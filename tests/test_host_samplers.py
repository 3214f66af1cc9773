"""Samplers of PaddleClas that shuffle in place: an epoch is the same whatever came before it."""

import random

import numpy as np
import pytest

from ppcls_lt import host

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
    order.put_back(sampler)
    sampler.set_epoch(number)
    return [np.array(batch).tolist() for batch in sampler]


@pytest.mark.parametrize("name", ["PKSampler", "MultiScaleSampler"])
def test_an_epoch_depends_on_its_number_alone(ppcls, name):
    unbroken, resumed = built(ppcls, name), built(ppcls, name)
    orders = [host.samplers.Order(each) for each in (unbroken, resumed)]
    draws = [epoch(unbroken, orders[0], number) for number in range(3)]
    assert epoch(resumed, orders[1], 2) == draws[2] and draws[0] != draws[1] != draws[2]


def test_another_sampler_is_left_alone():
    class Other:
        label_list = (1, 2)

    host.samplers.Order(Other()).put_back(Other())
    host.samplers.Order(None).put_back(None)


def test_what_no_checkpoint_has_is_told(tmp_path):
    stage = engines.packaged("ce", engines.write_digits(tmp_path / "digits"), tmp_path / "out")
    assert list(host.samplers.not_resumed(stage)) == []
    stage["DataLoader"]["Train"]["sampler"]["name"] = "MultiScaleSampler"
    stage["Global"]["seed"] = None
    stage["Loss"]["Train"] = [{"ContrastiveLoss_XBM": {"weight": 1.0}}]
    found = list(host.samplers.not_resumed(stage))
    assert [each.split()[0] for each in found] == ["MultiScaleSampler", "ContrastiveLoss_XBM"]
