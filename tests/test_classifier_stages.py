"""What a second stage does to the classifier: drawing it anew, tau-normalisation, learnable scaling."""

import copy

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt.archs.cifar_resnet import CIFARResNet8
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks.classifier_stages import LearnableWeightScaling, ResetClassifier, ScaledLinear, TauNormalize
from ppcls_lt.callbacks.freeze_layers import FreezeLayers
from ppcls_lt.maths.classifier import normalize

from .weight_runs import CLASSES, Network, assert_same, norms_of, run_of, sized, started, train, values


class TestResetClassifier:
    def test_uniform_within_the_bound(self):
        model = Network()
        model.head = nn.Linear(400, CLASSES)
        others = values(model)
        ResetClassifier().on_model_built(run_of(model))
        assert_same({**values(model), "head.weight": 0, "head.bias": 0}, {**others, "head.weight": 0, "head.bias": 0})
        weight, bias, bound = model.head.weight.numpy(), model.head.bias.numpy(), 0.05
        for drawn in (weight, bias):
            assert (np.abs(drawn) <= bound).all() and len(np.unique(drawn)) > 0.99 * drawn.size
        # 2400 uniform draws: mean 0, standard deviation bound / sqrt(3); six standard errors.
        assert abs(weight.mean()) < 6 * bound / np.sqrt(3 * weight.size)
        np.testing.assert_allclose(weight.std(), bound / np.sqrt(3), rtol=0.06)
        assert not model.head.weight.stop_gradient and not model.head.bias.stop_gradient

    def test_the_global_generator_decides(self):
        drawn = []
        for seed in (1, 2, 1):
            model = Network()
            paddle.seed(seed)
            ResetClassifier().on_model_built(run_of(model))
            drawn.append(model.head.weight.numpy())
        np.testing.assert_array_equal(drawn[0], drawn[2])
        assert (drawn[0] != drawn[1]).all()

    def test_no_bias_and_sixteen_bits(self):
        model = Network()
        model.head = nn.Linear(7, CLASSES, bias_attr=False)
        model.head.to(dtype="bfloat16")
        before = model.head.weight.astype("float32").numpy()
        ResetClassifier().on_model_built(run_of(model))
        assert model.head.weight.dtype == paddle.bfloat16
        assert (model.head.weight.astype("float32").numpy() != before).mean() > 0.9

    def test_a_normalised_classifier_gets_new_unit_vectors(self):
        model = Network()
        normalize(model.head, 30.0)
        before = sized(model.head.weight, [5] * CLASSES).numpy()
        ResetClassifier().on_model_built(run_of(model))
        np.testing.assert_allclose(norms_of(model.head.weight), 1, rtol=1e-6)
        assert (model.head.weight.numpy() != before / 5).all() and model.head.scale == 30.0


class TestTauNormalize:
    @pytest.mark.parametrize("tau", [0, 0.5, 1, 2])
    def test_value(self, tau):
        model = Network().to(dtype="float64")
        rows = np.random.default_rng(0).normal(0, 3, (7, CLASSES))
        rows[:, 2] = 0
        model.head.weight.set_value(rows)
        model.head.bias.set_value(np.ones(CLASSES))
        TauNormalize(tau=tau).on_model_built(run_of(model))
        norms = np.sqrt((rows**2).sum(axis=0))
        expected = rows / np.where(norms > 0, norms, 1) ** tau
        np.testing.assert_allclose(model.head.weight.numpy(), expected, rtol=1e-14)
        assert not model.head.bias.numpy().any()

    def test_without_a_bias(self):
        model = Network()
        model.head = nn.Linear(7, CLASSES, bias_attr=False)
        TauNormalize().on_model_built(run_of(model))
        np.testing.assert_allclose(norms_of(model.head.weight), 1, rtol=1e-6)

    @pytest.mark.parametrize("tau", [-0.1, 2.1, "1", None, True])
    def test_wrong_tau(self, tau):
        with pytest.raises(ConfigError, match="^TauNormalize: `tau` must be "):
            TauNormalize(tau=tau)


@pytest.mark.parametrize("callback", [TauNormalize, LearnableWeightScaling])
def test_norms_of_a_normalised_classifier_cannot_matter(callback):
    model = Network()
    normalize(model.head, 30.0)
    with pytest.raises(ConfigError, match=f"^{callback.__name__}: `Arch.classifier` must be an ordinary classifier"):
        callback().on_model_built(run_of(model))


class TestLearnableWeightScaling:
    def scaled(self, model=None, ema=False):
        """A model with factors that are not 1, its run and its callback."""
        model = Network() if model is None else model
        callback = LearnableWeightScaling()
        callback.on_model_built(run_of(model))
        run = run_of(model, ema=ema)
        callback.on_checkpoint_loaded(run)
        for each, low in zip(run.models, (0.5, 1.5)):
            for parameter in (each.head.scale, each.head.bias):
                drawn = paddle.uniform([CLASSES], min=low, max=low + 1)
                parameter.set_value(drawn.astype(parameter.dtype))
        return model, run, callback

    def test_starts_as_the_trained_classifier(self):
        model = Network()
        model.eval()
        x = paddle.randn([4, 3, 8, 8])
        before, keys = model(x).numpy(), list(model.state_dict())
        callback = LearnableWeightScaling()
        callback.on_model_built(run_of(model))
        np.testing.assert_array_equal(model(x).numpy(), before)
        assert isinstance(model.head, nn.Linear) and list(model.state_dict()) == [*keys, "head.scale"]
        assert callback.hidden_keys == ["head.scale"]

    def test_value(self):
        model, _, _ = self.scaled()
        head, h = model.head, np.random.default_rng(0).normal(size=(5, 7))
        weight, bias, scale = (each.numpy().astype(np.float64) for each in (head.weight, head.bias, head.scale))
        found = head(paddle.to_tensor(h, dtype="float32")).numpy()
        np.testing.assert_allclose(found, scale * (h @ weight + bias), rtol=1e-4, atol=1e-6)

    def test_only_the_factors_of_the_classifier_are_trained(self):
        model, _, _ = self.scaled()
        before = values(model.head)
        train(model)
        after = values(model.head)
        assert [name for name in after if (after[name] != before[name]).any()] == ["scale"]

    def test_the_classifier_is_trained_too_but_slowly(self):
        """Of one step of plain descent: the scale with the whole rate, the classifier with its share."""
        found = {}
        for factor in (0.25, 1.0):
            paddle.seed(3)
            model = Network()
            model.eval()
            LearnableWeightScaling(lr_factor=factor).on_model_built(run_of(model))
            before = values(model.head)
            optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
            paddle.nn.functional.cross_entropy(
                model(paddle.ones([4, 3, 8, 8])), paddle.to_tensor([0, 1, 2, 3])
            ).backward()
            optimizer.step()
            found[factor] = {name: value - before[name] for name, value in values(model.head).items()}
        for name, share in (("weight", 0.25), ("bias", 0.25), ("scale", 1.0)):
            assert found[1.0][name].any()
            np.testing.assert_allclose(found[0.25][name], share * found[1.0][name], rtol=1e-3, atol=1e-7)
        with pytest.raises(ConfigError, match="^LearnableWeightScaling: `lr_factor` must be a finite number > 0"):
            LearnableWeightScaling(lr_factor=0)

    @pytest.mark.parametrize("order", [1, -1])
    def test_with_frozen_layers_nothing_else_is(self, order):
        model = Network()
        run = run_of(model)
        for callback in [FreezeLayers(), LearnableWeightScaling()][::order]:
            started(callback, run).on_epoch_start(run)
        assert [name for name, each in model.named_parameters() if not each.stop_gradient] == ["head.scale"]
        assert not model.bn.training and model.head.training

    @pytest.mark.parametrize("bias", [None, False])
    @pytest.mark.parametrize("which", ["model", "ema"])
    def test_a_checkpoint_is_one_of_an_ordinary_model(self, which, bias):
        model = CIFARResNet8(CLASSES)
        model.fc = nn.Linear(64, CLASSES, bias_attr=bias)
        ordinary = copy.deepcopy(model)
        callback = LearnableWeightScaling()
        callback.on_model_built(run_of(model))
        run = run_of(model, ema=True)
        callback.on_checkpoint_loaded(run)
        saved = getattr(run, which)
        saved.fc.scale.set_value(paddle.uniform([CLASSES], min=0.5, max=2.0))
        before, weights = values(saved), saved.state_dict()
        callback.on_save(run, weights)
        assert list(weights) == list(ordinary.state_dict())
        assert_same(values(saved), before)
        ordinary.set_state_dict(weights)
        for each in (saved, ordinary):
            each.eval()
        x = paddle.randn([4, 3, 8, 8])
        np.testing.assert_allclose(ordinary(x).numpy(), saved(x).numpy(), rtol=1e-4, atol=1e-6)
        assert np.abs(ordinary(x).numpy()).max() > 1e-3

    @pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
    def test_a_checkpoint_keeps_its_type(self, dtype):
        model = Network()
        model.to(dtype=dtype)
        _, run, callback = self.scaled(model)
        head = {name: tensor.astype("float64") for name, tensor in model.head.state_dict().items()}
        weights = model.state_dict()
        callback.on_save(run, weights)
        for part in ("weight", "bias"):
            found, expected = weights[f"head.{part}"], (head[part] * head["scale"]).astype(dtype)
            assert found.dtype == model.head.weight.dtype
            assert (found.astype("float64") == expected.astype("float64")).all()

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
    @pytest.mark.parametrize("ema", [False, True])
    def test_a_resumed_run_has_every_bit(self, ema, dtype):
        model = Network()
        model.to(dtype=dtype)
        model, run, callback = self.scaled(model, ema=ema)
        state = callback.state_dict()
        assert all(isinstance(value, np.ndarray) for value in state.values())
        files = []
        for each in run.models:
            weights = each.state_dict()
            callback.on_save(run, weights)
            files.append({name: tensor.clone() for name, tensor in weights.items()})
        expected = [values(each) for each in run.models]
        for each in run.models:
            each.head.scale.set_value(paddle.zeros_like(each.head.scale))

        resumed_model, resumed = Network(), LearnableWeightScaling()
        resumed_model.to(dtype=dtype)
        resumed.on_model_built(run_of(resumed_model))
        run = run_of(resumed_model, ema=ema)
        for each, weights in zip(run.models, files):
            each.set_state_dict({**weights, "head.scale": each.head.scale})
        run.resumed = True
        resumed.load_state_dict(state)
        resumed.on_checkpoint_loaded(run)
        for each, wanted in zip(run.models, expected):
            assert_same(values(each), wanted)
        assert_same(resumed.state_dict(), state)

    def test_a_checkpoint_of_another_model(self):
        model, _, callback = self.scaled()
        state = callback.state_dict()
        run = run_of(model, ema=True)
        run.resumed = True
        callback.load_state_dict(state)
        with pytest.raises(ConfigError, match="^LearnableWeightScaling: `Global.checkpoints` .* 'ema.weight'"):
            callback.on_checkpoint_loaded(run)

    def test_a_copy_has_factors_of_its_own(self):
        model, _, _ = self.scaled()
        average = copy.deepcopy(model)
        assert isinstance(average.head, ScaledLinear)
        x = paddle.randn([4, 7])
        before = model.head(x).numpy()
        np.testing.assert_array_equal(average.head(x).numpy(), before)
        average.head.scale.set_value(paddle.zeros([CLASSES]))
        assert not average.head(x).numpy().any()
        np.testing.assert_array_equal(model.head(x).numpy(), before)

    def test_within_data_parallel(self):
        model, _, _ = self.scaled()
        before = values(model.head)
        train(paddle.DataParallel(model))
        assert (model.head.scale.numpy() != before["scale"]).all()
        np.testing.assert_array_equal(model.head.weight.numpy(), before["weight"])
