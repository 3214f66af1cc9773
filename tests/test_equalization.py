"""What softmax equalisation draws: for each image and rare class anew, the same whoever draws it."""

import numpy as np
import paddle
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.losses import EqualizationLoss
from ppcls_lt.maths import randomness

from .losses.equalization import equalized, left_out

COUNTS = [500, 300, 100, 20, 10, 5, 2]
LABEL = np.array([0, 6, 3, 1, 5, 2, 0, 4])
LOGITS = np.random.default_rng(0).normal(0, 2, (8, 7))


def built(**params):
    return EqualizationLoss(**{"num_class_list": COUNTS, "gamma": 0.5, "lambda": 0.05, **params})


def each(loss, logits=LOGITS, dtype="float64"):
    """The value of one forward and its gradient, float64."""
    z = paddle.to_tensor(logits, dtype=dtype, stop_gradient=False)
    value = loss(z, paddle.to_tensor(LABEL))["EqualizationLoss"]
    value.backward()
    return np.append(z.grad.numpy().ravel(), value.numpy()).astype(np.float64)


def wanted(step, key=(0, 0), logits=LOGITS):
    drawn = left_out(len(logits), COUNTS, 0.5, 0.05, step, key)
    return np.mean([equalized(logits, y, drawn)[image] for image, y in enumerate(LABEL)])


def test_numbers_are_the_images_whoever_draws_them():
    key, all_places = randomness.epoch_key(5, 1, 3), np.arange(12)
    whole = randomness.uniforms(key, 4, all_places, 19)
    assert whole.shape == (12, 19) and whole.dtype == np.float32 and (0 <= whole).all() and (whole < 1).all()
    for places in (all_places[4:8], all_places[1::3]):
        np.testing.assert_array_equal(randomness.uniforms(key, 4, places, 19), whole[places])
    others = [
        randomness.uniforms(key, 5, all_places, 19),
        randomness.uniforms(key, 4, all_places + 1, 19),
        *(
            randomness.uniforms(randomness.epoch_key(*of), 4, all_places, 19)
            for of in ((6, 1, 3), (5, 2, 3), (5, 1, 4))
        ),
    ]
    assert all((other != whole).mean() > 0.99 for other in others)


def test_draws_are_bernoulli_and_independent():
    key = np.array([1, 2], np.uint64)
    numbers = np.concatenate([randomness.uniforms(key, step, np.arange(200), 50) for step in range(5)])
    assert abs((numbers < 0.9).mean() - 0.9) < 4 * np.sqrt(0.09 / numbers.size)
    for rows in (numbers < 0.5, numbers.T < 0.5):
        correlation = np.corrcoef(rows, rowvar=False)[~np.eye(rows.shape[1], dtype=bool)]
        assert abs(correlation.mean()) < 0.01 and np.abs(correlation).max() < 6 / np.sqrt(len(rows))


@pytest.mark.parametrize("places", [range(12), range(5, 40), range(2, 41, 3), range(1)])
@pytest.mark.parametrize("width", [1, 2, 19, 100])
@pytest.mark.parametrize(
    "key", [randomness.epoch_key(5, 1, 3), np.array([0, 0], np.uint64), np.array([2**64 - 1, 2**63], np.uint64)]
)
def test_a_device_computes_the_same_numbers(key, places, width):
    for step in (1, 77):
        found = randomness.device_uniforms(key, step, places, width)
        assert found.dtype == paddle.float32
        np.testing.assert_array_equal(found.numpy(), randomness.uniforms(key, step, places, width))


def test_a_gpu_draws_the_same_and_is_sent_nothing(monkeypatch):
    """The way of a GPU, taken on a CPU: none of Paddle's ways to send or read values is used."""
    on_gpu, loss = built(), built()
    on_gpu._on_host = on_gpu._on_device
    on_gpu.start_epoch(randomness.epoch_key(7, 1, 2), interleaved=True)
    loss.start_epoch(randomness.epoch_key(7, 1, 2), interleaved=True)
    for _ in range(3):
        np.testing.assert_array_equal(each(on_gpu, dtype="float32"), each(loss, dtype="float32"))
    z, label = paddle.to_tensor(LOGITS, "float32"), paddle.to_tensor(LABEL)
    with monkeypatch.context() as patch:
        patch.setattr(paddle, "to_tensor", _forbidden)
        for name in ("numpy", "item", "tolist", "__array__", "__bool__", "__int__", "__float__"):
            patch.setattr(paddle.Tensor, name, _forbidden)
        on_gpu({"logits": z}, label)


def _forbidden(*args, **params):
    raise AssertionError("a value is sent or read")


def test_every_step_draws_anew_and_an_epoch_begins_where_its_key_says():
    loss = built()
    found = [each(loss)[-1] for _ in range(3)]
    assert found == pytest.approx([wanted(step) for step in (1, 2, 3)], rel=1e-12)
    assert len(set(found)) == 3
    key = randomness.epoch_key(7, 1, 2)
    for _ in range(2):
        loss.start_epoch(key, interleaved=True)
        assert each(loss)[-1] == pytest.approx(wanted(1, key), rel=1e-12)


@pytest.mark.parametrize("logits", [np.full((8, 7), 90.0), np.full((8, 7), -110.0), 1e4 * np.eye(7)[LABEL], LOGITS])
def test_float32_is_that_of_float64(logits):
    """The authors' exponentials overflow at 90 and vanish at -110."""
    np.testing.assert_allclose(each(built(), logits, "float32"), each(built(), logits), rtol=0, atol=1e-5)


def test_in_evaluation_nothing_is_left_out():
    loss = built()
    loss.eval()
    np.testing.assert_allclose(each(loss), each(built(gamma=0)), rtol=1e-12)


def test_with_a_probability_of_1_rare_classes_are_pushed_by_no_other():
    gradient = each(built(gamma=1.0))[:-1].reshape(8, 7)
    rare, own = np.arange(7) >= 3, np.eye(7, dtype=bool)[LABEL]
    assert np.abs(gradient[:, rare][~own[:, rare]]).max() < 1e-25 and gradient[own].all()


def test_lambda_by_either_name_and_by_default():
    assert built().lambda_ == EqualizationLoss(num_class_list=COUNTS, lambda_=0.05).lambda_ == 0.05
    assert EqualizationLoss(num_class_list=[10] * 100).lambda_ == pytest.approx(0.005)
    with pytest.raises(ConfigError, match="^EqualizationLoss: `lambda` must be given once"):
        built(lambda_=0.05)


def test_no_rare_class_is_said_once(caplog):
    loss = built(**{"lambda": 0.001})
    with caplog.at_level("WARNING", logger="ppcls.lt"):
        np.testing.assert_allclose(each(loss), each(built(gamma=0)), rtol=1e-12)
        each(loss)
    assert [record.message[:60] for record in caplog.records] == [
        "EqualizationLoss: no class has a share of the images below `"
    ]
