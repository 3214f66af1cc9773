"""The normalised classifier, finding the classifier in PaddleClas's models, and catching its input."""

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt.archs.cifar_resnet import CIFARResNet
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.losses import IBLoss
from ppcls_lt.maths import classifier
from ppcls_lt.maths.classifier import FeatureTap, LogitsCheck, NormalizedLinear, find_classifier, normalize
from ppcls_lt.testing import mixed_precision

from . import reference


def normalized(features=5, classes=4, scale=3.0, **kwargs):
    layer = nn.Linear(features, classes, **kwargs)
    normalize(layer, scale)
    return layer


def cosines(x, weight, scale):
    """``scale * cos`` of the rows of ``x`` ``[N, D]`` with the columns of ``weight`` ``[D, C]``, in float64."""
    x, weight = np.asarray(x, np.float64), np.asarray(weight, np.float64)
    dots = [[scale * a @ b / np.sqrt((a @ a) * (b @ b)) for b in weight.T] for a in x]
    return np.array(dots)


def build(ppcls, name, **params):
    """A model of PaddleClas's, in a name space of its own: some architectures name their parameters."""
    with paddle.utils.unique_name.guard():
        return ppcls.names("arch")[name](**params)


class TestNormalizedLinear:
    @pytest.mark.parametrize("dtype, precision", [("float64", 1e-8), ("float32", 1e-5)])
    def test_value_and_gradients(self, dtype, precision):
        rng = np.random.default_rng(0)
        x, weight, share = rng.normal(0, 2, (6, 5)), rng.normal(0, 3, (5, 4)), rng.normal(size=(6, 4))
        layer = normalized()
        if dtype == "float64":
            layer.to(dtype="float64")
        layer.weight.set_value(weight.astype(dtype))
        features = paddle.to_tensor(x, dtype=dtype, stop_gradient=False)
        logits = layer(features)
        (logits * paddle.to_tensor(share, dtype=dtype)).sum().backward()
        np.testing.assert_allclose(logits.numpy(), cosines(x, weight, 3.0), rtol=0, atol=precision)
        for found, wanted in (
            (features.grad, reference.gradient(lambda z: (share * cosines(z, weight, 3.0)).sum(), x)),
            (layer.weight.grad, reference.gradient(lambda z: (share * cosines(x, z, 3.0)).sum(), weight)),
        ):
            np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=precision * np.abs(wanted).max())

    @pytest.mark.parametrize("frozen", ["features", "weight", "neither"])
    def test_large_class_vectors_block_by_block(self, monkeypatch, frozen):
        layer, share = normalized(7, 4), paddle.randn([6, 4])
        x = paddle.randn([6, 7])
        found = []
        for block in (2**20, 8):  # all rows at once, and two at a time with one left over
            monkeypatch.setattr(classifier, "_BLOCK", block)
            features = x.clone().detach()
            features.stop_gradient = frozen == "features"
            layer.weight.stop_gradient = frozen == "weight"
            layer.clear_gradients()
            logits = layer(features)
            (logits * share).sum().backward()
            slopes = [t.grad.numpy().copy() for t in (features, layer.weight) if not t.stop_gradient]
            found.append([logits.numpy(), *slopes])
        assert len(found[0]) == (3 if frozen == "neither" else 2)
        for one, other in zip(*found):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

    def test_features_of_more_than_two_axes(self):
        layer, x = normalized(), paddle.randn([6, 2, 5])
        logits = layer(x)
        assert logits.shape == [6, 2, 4]
        np.testing.assert_allclose(logits[:, 1].numpy(), layer(x[:, 1]).numpy(), rtol=1e-5, atol=1e-6)

    def test_float32_weights_serve_float64_features(self):
        layer = normalized()
        x = np.random.default_rng(0).normal(size=(6, 5))
        logits = layer(paddle.to_tensor(x))
        assert logits.dtype == paddle.float64
        np.testing.assert_allclose(logits.numpy(), cosines(x, layer.weight.numpy(), 3.0), rtol=1e-12)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_half_precision_is_computed_in_float32(self, dtype):
        layer = normalized()
        x = paddle.randn([6, 5]).astype(dtype)
        logits = layer(x)
        assert logits.dtype == paddle.float32
        np.testing.assert_array_equal(logits.numpy(), layer(x.astype("float32")).numpy())

    @pytest.mark.parametrize("level", ["O1", "O2"])
    @pytest.mark.parametrize("kind", [NormalizedLinear, classifier.UnitFeaturesLinear])
    def test_mixed_precision_is_off_within(self, kind, level, monkeypatch):
        """On a CPU nothing is cast, so that its figures would be the same."""
        layer, seen = normalized(), []
        layer.__class__ = kind
        original = classifier._inverse_norm
        with mixed_precision.level(level) as is_off:

            def spied(*args, **named):
                seen.append(is_off())
                return original(*args, **named)

            monkeypatch.setattr(classifier, "_inverse_norm", spied)
            layer(paddle.randn([6, 5]))
            assert not is_off()
        assert seen and all(seen)

    @pytest.mark.parametrize("size", [1e-15, 1e-6, 1.0, 1e6, 1e15])
    def test_lengths_do_not_matter(self, size):
        layer = normalized()
        x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
        wanted = cosines(x, layer.weight.numpy(), 3.0)
        found = layer(paddle.to_tensor(np.float32(size) * x)).numpy()
        if size > 1e-12:
            np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert (np.abs(found) <= 3.0 * (1 + 1e-6)).all()

    def test_without_direction_logits_and_gradients_are_zero(self):
        layer = normalized()
        layer.weight.set_value(paddle.concat([paddle.zeros([5, 1]), paddle.ones([5, 3])], axis=1))
        x = paddle.to_tensor(np.stack([np.zeros(5), np.ones(5)]), dtype="float32", stop_gradient=False)
        logits = layer(x)
        assert not logits.numpy()[0].any() and not logits.numpy()[:, 0].any()
        logits[:, 1:].sum().backward()
        assert not x.grad.numpy()[0].any()
        assert np.isfinite(x.grad.numpy()).all() and np.isfinite(layer.weight.grad.numpy()).all()

    def test_starts_with_class_vectors_of_unit_length(self):
        layer = normalized(features=64, classes=10)
        weight = layer.weight.numpy()
        np.testing.assert_allclose(np.linalg.norm(weight, axis=0), 1, rtol=1e-6)
        assert len(np.unique(weight)) == weight.size

    def test_two_seeds_draw_two_classifiers_and_one_seed_one(self):
        drawn = []
        for seed in (1, 2, 1):
            paddle.seed(seed)
            drawn.append(normalized().weight.numpy())
        np.testing.assert_array_equal(drawn[0], drawn[2])
        assert (drawn[0] != drawn[1]).all()

    def test_the_bias_is_ignored_and_frozen(self):
        layer = normalized()
        x = paddle.randn([6, 5])
        before = layer(x).numpy()
        layer.bias.set_value(paddle.full([4], 7.0))
        np.testing.assert_array_equal(layer(x).numpy(), before)
        layer(x).sum().backward()
        assert layer.bias.stop_gradient and layer.bias.grad is None
        assert not layer.weight.stop_gradient

    @pytest.mark.parametrize("bias", [None, False])
    def test_a_checkpoint_keeps_its_keys_and_shapes(self, bias):
        ordinary, layer = nn.Linear(5, 4, bias_attr=bias), normalized(bias_attr=bias)
        assert {k: v.shape for k, v in layer.state_dict().items()} == {
            k: v.shape for k, v in ordinary.state_dict().items()
        }
        layer.set_state_dict(ordinary.state_dict())
        x = paddle.randn([6, 5])
        np.testing.assert_allclose(layer(x).numpy(), cosines(x.numpy(), ordinary.weight.numpy(), 3.0), atol=1e-5)

    def test_it_is_changed_in_place(self):
        model = CIFARResNet(8)
        keys, parameters = list(model.state_dict()), model.parameters()
        name, layer = find_classifier(model, 10, "CIFARResNet8")
        normalize(layer, 30.0)
        assert (
            (name, model.fc) == ("fc", layer) and isinstance(layer, NormalizedLinear) and isinstance(layer, nn.Linear)
        )
        assert list(model.state_dict()) == keys and all(a is b for a, b in zip(model.parameters(), parameters))
        assert model(paddle.randn([2, 3, 8, 8])).abs().max() <= 30.0 * (1 + 1e-6)


class TestFindClassifier:
    def test_cifar_resnet(self):
        model = CIFARResNet(8, class_num=7)
        for class_num in (7, None):
            assert find_classifier(model, class_num, "CIFARResNet8") == ("fc", model.fc)

    def test_host_resnet(self, ppcls):
        model = build(ppcls, "ResNet18", class_num=7)
        assert find_classifier(model, 7, "ResNet18") == ("fc", model.fc)
        LogitsCheck(model, "fc", model.fc, "ResNet18")
        assert model(paddle.randn([2, 3, 32, 32])).shape == [2, 7]

    def test_recmodel(self, ppcls):
        model = build(
            ppcls,
            "RecModel",
            Backbone={"name": "ResNet18", "class_num": 7},
            BackboneStopLayer={"name": "flatten"},
            Head={"name": "FC", "embedding_size": 512, "class_num": 7},
        )
        name, layer = find_classifier(model, 7, "RecModel")
        assert (name, layer) == ("head.fc", model.head.fc)
        LogitsCheck(model, name, layer, "RecModel")
        tap = FeatureTap(layer)
        out = model(paddle.randn([2, 3, 32, 32]))
        assert tap.take() is out["features"] and out["features"].shape == [2, 512]

    def test_the_last_of_several(self):
        model = nn.Sequential(nn.Linear(4, 7), nn.Linear(7, 7), nn.Linear(7, 3))
        assert find_classifier(model, 7, "made up") == ("1", model[1])
        assert find_classifier(model, None, "made up") == ("2", model[2])

    def test_the_wrong_number_of_classes(self):
        with pytest.raises(ConfigError, match="^Arch: CIFARResNet8 has no Linear layer with 11 outputs"):
            find_classifier(CIFARResNet(8), 11, "CIFARResNet8")

    def test_a_model_that_ends_in_a_convolution(self, ppcls):
        model = build(ppcls, "SqueezeNet1_1", class_num=10)
        for class_num in (10, None):
            with pytest.raises(ConfigError, match="^Arch: SqueezeNet1_1 has no Linear layer"):
                find_classifier(model, class_num, "SqueezeNet1_1")


class Model(nn.Layer):
    """Two Linear layers and a function from them and the features to the output."""

    def __init__(self, output):
        super().__init__()
        self.first, self.last, self.output = nn.Linear(4, 3), nn.Linear(4, 3), output

    def forward(self, x):
        return self.output(self, x)


class TestLogitsCheck:
    @pytest.mark.parametrize(
        "output",
        [
            lambda model, x: model.last(x),
            lambda model, x: {"features": x, "logits": model.last(x)},
            lambda model, x: model.last(x).reshape([-1, 3]),
            lambda model, x: model.last(x.reshape([-1, 1, 4])).flatten(1),
            lambda model, x: model.last(x) + 0 * model.first(x),
        ],
    )
    def test_passes(self, output):
        model = Model(output)
        LogitsCheck(model, "last", model.last, "Model")
        for _ in range(2):
            model(paddle.randn([2, 4]))

    @pytest.mark.parametrize(
        "output",
        [
            lambda model, x: 2 * model.last(x),
            lambda model, x: model.first(x),
            lambda model, x: model.first(x) + model.last(x),
            lambda model, x: model.last(model.last(x) @ paddle.ones([3, 4])),
            lambda model, x: [model.last(x), model.last(2 * x)][0],
            lambda model, x: [model.first(x), model.last(x)],
            lambda model, x: {"features": model.last(x)},
            lambda model, x: model.last(x)[:, :2],
        ],
    )
    def test_names_the_architecture(self, output):
        model = Model(output)
        LogitsCheck(model, "last", model.last, "Model")
        with pytest.raises(ConfigError, match="^Arch: the logits of Model are not the output of .* `last`"):
            model(paddle.randn([2, 4]))

    def test_looks_at_the_first_forward_only(self):
        model = Model(lambda model, x: model.last(x))
        LogitsCheck(model, "last", model.last, "Model")
        model(paddle.randn([2, 4]))
        model.output = lambda model, x: model.first(x)
        model(paddle.randn([2, 4]))

    def test_two_heads(self, ppcls):
        model = build(ppcls, "DeiT_tiny_distilled_patch16_224", img_size=32, class_num=10)
        name, layer = find_classifier(model, 10, "DeiT_tiny_distilled_patch16_224")
        LogitsCheck(model, name, layer, "DeiT_tiny_distilled_patch16_224")
        with pytest.raises(ConfigError, match="^Arch: the logits of DeiT_tiny_distilled_patch16_224 are not"):
            model(paddle.randn([1, 3, 32, 32]))


class TestFeatureTap:
    def test_catches_the_very_tensor_with_its_gradient(self):
        model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))
        tap = FeatureTap(model[1])
        x = paddle.randn([2, 6])
        model(x)
        features = tap.take()
        np.testing.assert_array_equal(features.numpy(), model[0](x).numpy())
        features.sum().backward()
        assert model[0].weight.grad is not None and model[1].weight.grad is None

    def test_as_many_readers_as_said_each_once_a_forward(self):
        layer = nn.Linear(4, 3)
        tap = FeatureTap(layer, readers=2)
        for _ in range(2):
            layer(paddle.randn([2, 4]))
            assert tap.take() is tap.take()
            with pytest.raises(ConfigError, match="no features were caught"):
                tap.take()

    def test_before_any_forward(self):
        with pytest.raises(ConfigError, match="no features were caught"):
            FeatureTap(nn.Linear(4, 3)).take()

    def test_the_last_forward_counts(self):
        layer = nn.Linear(4, 3)
        tap = FeatureTap(layer)
        layer(paddle.randn([2, 4]))
        x = paddle.randn([3, 4])
        layer(x)
        assert tap.take() is x

    def test_a_frozen_classifier_is_in_training_where_its_model_is(self):
        model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))
        model[1].eval()
        tap = FeatureTap(model[1], model=model)
        model(paddle.randn([2, 6]))
        assert tap.take().shape == [2, 4]
        model.eval()
        model(paddle.randn([2, 6]))
        with pytest.raises(ConfigError, match="no features were caught"):
            tap.take()

    def test_evaluation_is_not_caught(self):
        layer = nn.Linear(4, 3)
        tap = FeatureTap(layer)
        x = paddle.randn([2, 4])
        layer(x)
        layer.eval()
        layer(paddle.randn([5, 4]))
        assert tap.take() is x
        layer(x)
        with pytest.raises(ConfigError, match="no features were caught"):
            tap.take()

    def test_what_is_caught_wins_over_the_features_of_a_dict(self):
        layer, loss, alone = nn.Linear(4, 3), IBLoss(), IBLoss()
        loss.feature_source = FeatureTap(layer)
        x, label = paddle.randn([2, 4]), paddle.to_tensor([0, 2])
        logits = layer(x)
        wanted = alone({"logits": logits, "features": x}, label)["IBLoss"]
        for output in (logits, {"logits": logits}, {"logits": logits, "features": paddle.zeros([2, 4])}):
            layer(x)
            assert float(loss(output, label)["IBLoss"]) == float(wanted)

    def test_a_normalised_classifier_gives_the_features_as_they_come(self):
        layer = normalized()
        tap = FeatureTap(layer)
        x = paddle.randn([2, 5])
        layer(x)
        assert tap.take() is x
