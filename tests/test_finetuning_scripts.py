"""The scripts for fine-tuning: weights of PyTorch's MobileNetV2 in PaddleClas's, and the table of trainings."""

import importlib.util

import numpy as np
import paddle
import pytest

from ppcls_lt import host
from ppcls_lt.engine import trainer

from . import engines

RNG = np.random.default_rng(0)


def script(name):
    spec = importlib.util.spec_from_file_location(name, engines.ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


convert, study = script("convert_mobilenetv2"), script("finetuning")


def torch_state():
    """A state dict in the order and layout of torchvision's ``mobilenet_v2``, random."""
    shapes, width = [(32, 3, 3)], 32
    for expansion, blocks, width_out in zip(
        (1, 6, 6, 6, 6, 6, 6), (1, 2, 3, 4, 3, 3, 1), (16, 24, 32, 64, 96, 160, 320)
    ):
        for _ in range(blocks):
            hidden = width * expansion
            shapes += [(hidden, width, 1)] if expansion > 1 else []
            shapes += [(hidden, 1, 3), (width_out, hidden, 1)]
            width = width_out
    state = {}
    for number, (out, entering, size) in enumerate([*shapes, (1280, 320, 1)]):
        state[f"features.{number}.0.weight"] = RNG.normal(0, (2 / entering) ** 0.5 / size, (out, entering, size, size))
        state[f"features.{number}.1.weight"] = RNG.uniform(0.5, 1.5, out)
        state[f"features.{number}.1.bias"] = RNG.normal(0, 0.5, out)
        state[f"features.{number}.1.running_mean"] = RNG.normal(0, 0.1, out)
        state[f"features.{number}.1.running_var"] = RNG.uniform(0.5, 1.5, out)
        state[f"features.{number}.1.num_batches_tracked"] = np.array(1)
    state["classifier.1.weight"], state["classifier.1.bias"] = RNG.normal(size=(5, 1280)), RNG.normal(size=5)
    return {key: value.astype(np.float32) for key, value in state.items()}


@pytest.fixture(scope="module")
def converted():
    trainer.register()
    layers, classifier = convert.taken_apart(torch_state())
    with paddle.utils.unique_name.guard():
        model = host.module("arch").build_model({"Arch": {"name": "MobileNetV2", "class_num": 5}, "Global": {}})
    arrays = convert.for_paddle(layers, classifier, list(model.state_dict()))
    assert model.set_state_dict(arrays) == ([], [])
    return layers, classifier, model


def test_the_expansion_that_pytorch_lacks_changes_nothing(converted):
    layers, _, model = converted
    expansion = model.conv2._first_block._expand_conv
    _, factor, bias = layers[0][:3]
    # What PaddleClas's first layer gives where its BatchNorm does what it is to do.
    normal = RNG.normal(size=(64, 32, 8, 8))
    x = np.clip(normal * factor[:, None, None] + bias[:, None, None], 0, 6).astype(np.float32)
    with paddle.no_grad():
        model.eval()
        np.testing.assert_allclose(expansion(paddle.to_tensor(x)).numpy(), x, atol=2e-6)
        model.train()
        found = expansion(paddle.to_tensor(x)).numpy()
    assert np.abs(found - x).max() < 0.5 and np.abs(found - x).mean() < 0.02


def test_everything_else_is_in_its_place(converted):
    layers, classifier, model = converted
    state = model.state_dict()
    np.testing.assert_array_equal(state["conv1._conv.weight"].numpy(), layers[0][0])
    np.testing.assert_array_equal(
        state["conv2._first_block._bottleneck_conv._batch_norm._variance"].numpy(), layers[1][4]
    )
    np.testing.assert_array_equal(state["conv3.conv3_2._linear_conv._conv.weight"].numpy(), layers[8][0])
    np.testing.assert_array_equal(state["conv9._batch_norm.bias"].numpy(), layers[-1][2])
    np.testing.assert_array_equal(state["out.weight"].numpy(), classifier[0].T)


def test_the_features_are_those_of_pytorch(converted):
    pytest.importorskip("torch", reason="the check of the script needs PyTorch")
    layers, _, model = converted
    batch = RNG.normal(size=(2, 3, 64, 64)).astype(np.float32)
    expected = convert.torch_features(layers, batch)
    np.testing.assert_allclose(convert.paddle_features(model, batch), expected, atol=1e-4 * np.abs(expected).max())


def test_another_network_is_refused():
    state = torch_state()
    del state["features.9.1.running_mean"]
    with pytest.raises(SystemExit, match="a MobileNetV2 has 52 convolutions with a BatchNorm each, got 52 and 51"):
        convert.taken_apart(state)


@pytest.mark.parametrize("mean, deviation", [(0.3, 1.0), (-2.0, 0.5), (5.0, 3.0), (1.0, 0.0), (-1.0, 0.0)])
def test_moments_of_a_clipped_normal(mean, deviation):
    drawn = np.clip(mean + deviation * np.random.default_rng(1).normal(size=10**6), 0, 6)
    np.testing.assert_allclose(convert.clipped_moments(mean, deviation), (drawn.mean(), drawn.var()), atol=0.01)


def test_the_table_holds_a_recipe_against_the_base_seed_by_seed():
    rows = []
    for recipe, gains in (("ce", (0, 0, 0)), ("bitfit", (1, 2, 3))):
        for seed, gain in enumerate(gains):
            recall = [0.9, 0.8, 0.3, 0.2, 0.1 + 0.03 * gain]
            rows.append({"recipe": recipe, "seed": seed, **{f"recall_{c}": str(each) for c, each in enumerate(recall)}})
    lines = study.table(rows, "ce")
    assert lines[2] == "| ce | 3 | 46.0 | 20.0 | – | – |"
    # Gains of 1, 2 and 3 points on three classes: mean 2, Student's half width 4.303 / sqrt(3).
    assert lines[3] == "| bitfit | 3 | 47.2 | 22.0 | +1.2 (-0.3 to +2.7) | +2.0 (-0.5 to +4.5) |"
