"""Several processes give the loss and the gradient of one process on the joined batch."""

import numpy as np
import pytest

from . import engines, joined_batch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folders with what one process and what two computed: each is started once, for all cases."""
    folder = tmp_path_factory.mktemp("parallel")
    data = engines.write_digits(folder / "digits")
    for name, processes in (("one", 1), ("two", 2)):
        (folder / name).mkdir()
        done = engines.together(joined_batch.__file__, data, folder / name, cwd=folder, processes=processes)
        assert done.returncode == 0, done.stdout
    return folder


def both(results, case):
    """What one process and each of two wrote in a case."""
    return [
        dict(np.load(results / name / f"{case}_rank{rank}.npz")) for name, rank in (("one", 0), ("two", 0), ("two", 1))
    ]


@pytest.mark.parametrize("name", joined_batch.ENGINE)
def test_the_engines_averaged_gradient_is_that_of_the_joined_batch(name, results):
    one, first, second = both(results, f"engine_{name}")
    assert set(one) == set(first) == set(second)
    assert len(one) > 100
    for key, expected in one.items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(first[key], expected, atol=1e-5 * max(scale, 1e-3), rtol=0, err_msg=key)
        np.testing.assert_array_equal(first[key], second[key])


@pytest.mark.parametrize("name", joined_batch.UNEVEN)
def test_uneven_batches_share_one_divisor(name, results):
    one, first, second = both(results, f"uneven_{name}")
    for key, expected in one.items():
        np.testing.assert_allclose(first[key], expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(first[key], second[key])


def test_the_last_step_of_the_hosts_loss_is_that_of_the_joined_batch(results):
    """PaddleClas's ``CELoss`` divides by its own images, so every process needs equally many."""
    one, first, second = both(results, "last")
    assert set(one) == {"WeightBalancedSampler", "DistributedBatchSampler"}
    for key, expected in one.items():
        np.testing.assert_allclose(first[key], expected, rtol=1e-5, atol=1e-7, err_msg=key)
        np.testing.assert_array_equal(first[key], second[key])


def test_ten_steps_of_two_processes_are_those_of_one_with_the_joined_batch(results):
    """Weighted sampler, deferred weights and the norm ball included; a transformer without dropout."""
    one, first, second = both(results, "train")
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
