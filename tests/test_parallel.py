"""Several processes give the loss and the gradient of one process on the joined batch."""

from pathlib import Path

import numpy as np
import pytest

from . import engines

SCRIPT = Path(__file__).parent / "joined_batch.py"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def both(tmp_path, *arguments):
    """Run the script in one and in two processes; return what each process wrote."""
    alone = engines.run([SCRIPT, *arguments, tmp_path / "one"], cwd=tmp_path)
    assert alone.returncode == 0, alone.stdout
    pair = engines.launch(SCRIPT, *arguments, tmp_path / "two", cwd=tmp_path)
    assert pair.returncode == 0, pair.stdout
    return [dict(np.load(tmp_path / f"{name}.npz")) for name in ("one_rank0", "two_rank0", "two_rank1")]


@pytest.mark.parametrize("name", ["LDAMLoss", "IBLoss"])
def test_the_engines_averaged_gradient_is_that_of_the_joined_batch(name, data, tmp_path):
    one, first, second = both(tmp_path, "engine", name, data)
    assert set(one) == set(first) == set(second)
    assert len(one) > 100
    for key, expected in one.items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(first[key], expected, atol=1e-5 * max(scale, 1e-3), rtol=0, err_msg=key)
        np.testing.assert_array_equal(first[key], second[key])


@pytest.mark.parametrize("name", ["CostSensitiveCE", "LDAMLoss", "FocalLoss", "IBLoss", "IBFocalLoss"])
def test_uneven_batches_share_one_divisor(name, tmp_path):
    one, first, second = both(tmp_path, "uneven", name)
    for key, expected in one.items():
        np.testing.assert_allclose(first[key], expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(first[key], second[key])


def test_the_last_step_of_the_hosts_loss_is_that_of_the_joined_batch(tmp_path):
    """PaddleClas's ``CELoss`` divides by its own images, so every process needs equally many."""
    one, first, second = both(tmp_path, "last")
    assert set(one) == {"WeightBalancedSampler", "DistributedBatchSampler"}
    for key, expected in one.items():
        np.testing.assert_allclose(first[key], expected, rtol=1e-5, atol=1e-7, err_msg=key)
        np.testing.assert_array_equal(first[key], second[key])


def test_twenty_steps_of_two_processes_are_those_of_one_with_the_joined_batch(data, tmp_path):
    """Weighted sampler, deferred weights and the norm ball included; a transformer without dropout."""
    one, first, second = both(tmp_path, "train", data)
    before = {key[7:]: value.astype("float64") for key, value in one.items() if key.startswith("before.")}
    after = {key[6:]: value.astype("float64") for key, value in one.items() if key.startswith("after.")}
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key], err_msg=key)
        if key.startswith("before."):
            np.testing.assert_array_equal(value, one[key], err_msg=key)
    moved = np.sqrt(sum(((after[key] - before[key]) ** 2).sum() for key in after))
    apart = np.sqrt(sum(((after[key] - first[f"after.{key}"]) ** 2).sum() for key in after))
    assert 0 < apart < moved / 1000

    start = np.linalg.norm(before["head.weight"], axis=0)
    radius = start.min() + 0.1 * (start.max() - start.min())
    for weights in (one, first):
        norms = np.linalg.norm(weights["after.head.weight"].astype("float64"), axis=0)
        assert (norms <= radius * (1 + 1e-6)).all() and (norms > radius * (1 - 1e-3)).any()
