"""The callbacks that constrain norms and those that freeze."""

import copy

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt.archs.cifar_resnet import CIFARResNet8
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks.freeze_layers import FreezeLayers
from ppcls_lt.callbacks.norm_constraints import L2NormPGD, MaxNormPGD
from ppcls_lt.maths.classifier import normalize

from .weight_runs import CLASSES, Network, assert_same, norms_of, run_of, sized, started, train, values

CONSTRAINTS = pytest.mark.parametrize("constraint", [MaxNormPGD, L2NormPGD])


class TestMaxNormPGD:
    def test_projects_the_classifier_alone(self):
        model = Network()
        weight = sized(model.head.weight, [1, 2, 3, 4, 5, 6])
        run = run_of(model)
        callback = started(MaxNormPGD(thresh=0.5), run)
        before, others = weight.numpy(), values(model)
        callback.on_epoch_end(run)
        norms = norms_of(weight)
        assert (norms <= 3.5 * (1 + 1e-6)).all()
        np.testing.assert_allclose(norms, [1, 2, 3, 3.5, 3.5, 3.5], rtol=1e-6)
        np.testing.assert_array_equal(weight.numpy()[:, :3], before[:, :3])
        np.testing.assert_allclose(weight.numpy()[:, 3:], before[:, 3:] * (3.5 / np.array([4, 5, 6])), rtol=1e-6)
        assert_same(values(model), {**others, "head.weight": weight.numpy()})

    def test_the_radius_stays_what_it_was_at_the_start(self):
        model = Network()
        weight = sized(model.head.weight, [1, 2, 3, 4, 5, 6])
        run = run_of(model)
        callback = started(MaxNormPGD(thresh=0.2), run)
        for norms in ([1, 1, 1, 1, 1, 90], [0.5, 1, 2, 3, 4, 5]):
            sized(weight, norms)
            callback.on_epoch_end(run)
            np.testing.assert_allclose(norms_of(weight), np.minimum(norms, 2), rtol=1e-6)

    def test_a_given_radius(self):
        model = Network()
        run = run_of(model)
        callback = started(MaxNormPGD(radius=0.25), run)
        sized(model.head.weight, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        callback.on_epoch_end(run)
        np.testing.assert_allclose(norms_of(model.head.weight), [0.1, 0.2, 0.25, 0.25, 0.25, 0.25], rtol=1e-6)

    @pytest.mark.parametrize("p", [1, 3])
    def test_another_norm(self, p):
        model = Network()
        weight = sized(model.head.weight, [1, 2, 3, 4, 5, 6])
        before = norms_of(weight, p=p)
        run = run_of(model)
        callback = started(MaxNormPGD(thresh=0.4, lp_norm=p), run)
        callback.on_epoch_end(run)
        radius = before.min() + 0.4 * (before.max() - before.min())
        np.testing.assert_allclose(norms_of(weight, p=p), np.minimum(before, radius), rtol=1e-6)

    def test_layers_by_name_and_expression_each_with_its_radius(self):
        model = Network()
        sized(model.conv.weight, [1, 2, 3, 4, 5], axis=0)
        sized(model.block[0].weight, [10, 20, 30, 40, 50, 60, 70])
        run = run_of(model)
        head = model.head.weight.numpy()
        callback = started(MaxNormPGD(thresh=0.5, layers=["conv", r"block\.\d*0"]), run)
        assert callback.state_dict() == pytest.approx({"conv": 3, "block.0": 40})
        callback.on_epoch_end(run)
        np.testing.assert_allclose(norms_of(model.conv.weight, axis=0), [1, 2, 3, 3, 3], rtol=1e-6)
        np.testing.assert_allclose(norms_of(model.block[0].weight), [10, 20, 30, 40, 40, 40, 40], rtol=1e-6)
        np.testing.assert_array_equal(model.head.weight.numpy(), head)

    def test_a_resumed_run_keeps_the_radius(self):
        model = Network()
        weight = sized(model.head.weight, [1, 2, 3, 4, 5, 6])
        state = started(MaxNormPGD(thresh=0.2), run_of(model)).state_dict()
        assert all(type(value) is float for value in state.values())
        sized(weight, [9, 9, 9, 9, 9, 10])
        run, resumed = run_of(model), MaxNormPGD(thresh=0.2)
        run.resumed = True
        resumed.on_model_built(run)
        resumed.load_state_dict(state)
        resumed.on_checkpoint_loaded(run)
        assert resumed.state_dict() == state
        resumed.on_epoch_end(run)
        np.testing.assert_allclose(norms_of(weight), 2, rtol=1e-6)

    @pytest.mark.parametrize("norms, shown", [([0] * CLASSES, "a radius of 0"), ([np.nan] * CLASSES, "nan")])
    def test_a_radius_that_would_erase_the_classifier(self, norms, shown):
        model = Network()
        sized(model.head.weight, norms)
        with pytest.raises(ConfigError, match=f"^MaxNormPGD: `thresh` must be such that .*{shown}.*'head'"):
            started(MaxNormPGD(thresh=0), run_of(model))


class TestL2NormPGD:
    def test_unit_vectors(self):
        model = Network()
        weight = sized(model.head.weight, [1e-3, 2, 3, 4, 5, 600])
        weight.set_value(paddle.concat([weight[:, :5], paddle.zeros([7, 1])], axis=1))
        before = weight.numpy()
        run = run_of(model)
        started(L2NormPGD(), run).on_epoch_end(run)
        np.testing.assert_allclose(norms_of(weight), [1, 1, 1, 1, 1, 0], rtol=1e-6)
        np.testing.assert_allclose(weight.numpy()[:, :5], before[:, :5] / [1e-3, 2, 3, 4, 5], rtol=1e-6)


class TestBothConstraints:
    @CONSTRAINTS
    @pytest.mark.parametrize("every", ["epoch", "step"])
    def test_when(self, constraint, every):
        model = Network()
        run = run_of(model)
        callback = started(constraint(every=every), run)
        point, other = callback.on_epoch_end, callback.on_step_end
        if every == "step":
            point, other = other, point
        before = sized(model.head.weight, range(11, 17)).numpy()
        other(run)
        np.testing.assert_array_equal(model.head.weight.numpy(), before)
        point(run)
        assert norms_of(model.head.weight).max() < 2

    @CONSTRAINTS
    def test_the_average_is_projected_too(self, constraint):
        model = Network()
        run = run_of(model, ema=True)
        callback = started(constraint(), run)
        for each in run.models:
            sized(each.head.weight, range(11, 17))
        callback.on_epoch_end(run)
        assert norms_of(model.head.weight).max() < 2
        np.testing.assert_array_equal(run.ema.head.weight.numpy(), model.head.weight.numpy())

    @CONSTRAINTS
    @pytest.mark.parametrize("every", ["epoch", "step"])
    def test_the_master_weight_is_projected_and_the_weight_is_its_rounding(self, constraint, every):
        model = Network()
        model.head.to(dtype="bfloat16")
        # Of Paddle's optimizers only SGD updates 16-bit weights on the CPU.
        optimizer = paddle.optimizer.SGD(0.1, parameters=model.head.parameters(), multi_precision=True)
        run = run_of(model, optimizers=[optimizer])
        callback = started(constraint(every=every), run)
        weight = model.head.weight
        for _ in range(3):
            (weight.astype("float32") * paddle.ones([7, CLASSES])).sum().backward()
            optimizer.step()
            optimizer.clear_grad()
            master = run.master_weight(weight)
            assert master.dtype == paddle.float32
            sized(master, range(11, 17))
            (callback.on_step_end if every == "step" else callback.on_epoch_end)(run)
            radius = callback.state_dict().get("head", 1.0)
            np.testing.assert_allclose(norms_of(master), radius, rtol=1e-6)
            assert (norms_of(master) <= radius * (1 + 1e-6)).all()
            assert weight.dtype == paddle.bfloat16
            rounded = master.astype("bfloat16").astype("float32").numpy()
            np.testing.assert_array_equal(weight.astype("float32").numpy(), rounded)

    @CONSTRAINTS
    def test_training_goes_on_from_the_projected_weights(self, constraint):
        model = Network()
        optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters())
        run = run_of(model, optimizers=[optimizer])
        callback = started(constraint(every="step"), run)
        radius = callback.state_dict().get("head", 1.0)
        for _ in range(3):
            before = model.head.weight.numpy()
            (model(paddle.randn([4, 3, 8, 8])) * 100).sum().backward()
            optimizer.step()
            optimizer.clear_grad()
            callback.on_step_end(run)
            assert (norms_of(model.head.weight) <= radius * (1 + 1e-6)).all()
            assert (model.head.weight.numpy() != before).any()

    @CONSTRAINTS
    @pytest.mark.parametrize(
        "pattern, shown",
        [
            ("hed", "'hed', which matches none; the nearest are head"),
            ("hea", "'hea', which matches none"),
            ("bn", "'bn', which is a BatchNorm2D"),
            ("block", "'block', which is a Sequential"),
            (r"block\..*", "'block.1', which is a Dropout"),
        ],
    )
    def test_names_that_are_no_such_layer(self, constraint, pattern, shown):
        with pytest.raises(ConfigError) as error:
            constraint(layers=["head", pattern]).on_model_built(run_of(Network()))
        message = str(error.value)
        assert message.startswith(
            f"{constraint.__name__}: `layers` must be names of Linear or convolution layers, got "
        )
        assert shown in message

    @CONSTRAINTS
    def test_a_normalised_classifier(self, constraint):
        model = Network()
        normalize(model.head, 30.0)
        with pytest.raises(ConfigError, match=f"^{constraint.__name__}: `Arch.classifier` must be an ordinary"):
            constraint().on_model_built(run_of(model))

    @CONSTRAINTS
    def test_a_frozen_layer(self, constraint):
        model = Network()
        model.conv.weight.stop_gradient = True
        with pytest.raises(ConfigError, match=f"^{constraint.__name__}: `layers` .* got 'conv', which is frozen"):
            started(constraint(layers=["head", "conv"]), run_of(model))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"thresh": 1.1},
            {"thresh": -0.1},
            {"thresh": "0.1"},
            {"lp_norm": 0.5},
            {"lp_norm": float("inf")},
            {"radius": 0},
            {"radius": -1},
            {"every": "batch"},
            {"every": 1},
            {"layers": []},
            {"layers": "fc"},
        ],
        ids=str,
    )
    def test_wrong_parameters(self, wrong):
        (key,) = wrong
        for constraint in (MaxNormPGD, L2NormPGD):
            if constraint is MaxNormPGD or key in ("every", "layers"):
                with pytest.raises(ConfigError, match=f"^{constraint.__name__}: `{key}` must be "):
                    constraint(**wrong)

    @pytest.mark.parametrize("owner, name", [(MaxNormPGD, "layers"), (FreezeLayers, "layers"), (FreezeLayers, "keep")])
    @pytest.mark.parametrize("pattern", ["(", 3, None])
    def test_wrong_expressions(self, owner, name, pattern):
        with pytest.raises(ConfigError, match=rf"^{owner.__name__}: `{name}\[1\]` must be a name or a regular"):
            owner(**{name: ["fc", pattern]})


def build(ppcls, name):
    """A model of PaddleClas's, in a name space of its own."""
    with paddle.utils.unique_name.guard():
        return ppcls.names("arch")[name](class_num=CLASSES)


def modes(model):
    return {name: layer.training for name, layer in model.named_sublayers()}


class TestFreezeLayers:
    @pytest.mark.parametrize("arch", ["CIFARResNet8", "MobileNetV3_small_x0_35"])
    def test_everything_but_the_classifier_stands_still(self, ppcls, arch):
        model = build(ppcls, arch)
        run, callback = run_of(model), FreezeLayers()
        before = values(model)
        started(callback, run)
        for epoch in (1, 2):
            run.epoch = epoch
            model.train()  # the host, after building the model and after every evaluation
            callback.on_epoch_start(run)
            train(model)
            after = values(model)
            assert list(after) == list(before)
            changed = {name for name in before if (before[name] != after[name]).any()}
            assert changed == {"fc.weight", "fc.bias"}
        assert not any(layer.training for layer in model.sublayers() if isinstance(layer, nn.BatchNorm2D))
        assert all(layer.training for layer in (model, model.fc))

    def test_without_it_the_statistics_drift(self):
        model = CIFARResNet8(CLASSES)
        started(FreezeLayers(), run_of(model))
        before = values(model)
        train(model, steps=1)
        assert (model.bn1._mean.numpy() != before["bn1._mean"]).all()

    def test_shifted_statistics_adapt_while_the_weights_stand_still(self):
        model = Network()
        model.block.add_sublayer("norm", nn.BatchNorm1D(7))
        before = values(model)
        run, callback = run_of(model), FreezeLayers(shift_bn=True)
        started(callback, run).on_epoch_start(run)
        assert model.bn.training and model.block.norm.training and not model.block[1].training
        train(model)
        after = values(model)
        moved = {name for name in before if (before[name] != after[name]).any()}
        statistics = {f"{layer}.{part}" for layer in ("bn", "block.norm") for part in ("_mean", "_variance")}
        assert moved == {"head.weight", "head.bias", *statistics}

    def test_shifted_statistics_where_none_are_frozen(self):
        with pytest.raises(
            ConfigError, match="^FreezeLayers: `shift_bn` must be false .* no BatchNorm layer is frozen"
        ):
            FreezeLayers(layers=["block"], shift_bn=True).on_model_built(run_of(Network()))
        FreezeLayers(layers=["block"], shift_bn="auto").on_model_built(run_of(Network()))
        with pytest.raises(ConfigError, match="^FreezeLayers: `shift_bn` must be true or false, or auto"):
            FreezeLayers(shift_bn="yes")

    def test_the_dropout_of_the_classifier_goes_on(self, ppcls):
        model = build(ppcls, "MobileNetV3_small_x0_35")
        run = run_of(model)
        started(FreezeLayers(), run).on_epoch_start(run)
        assert model.dropout.training and model.fc.training

    def test_what_lies_inside_a_frozen_layer_follows_it(self):
        model = Network()
        run = run_of(model)
        started(FreezeLayers(layers=["block"]), run).on_epoch_start(run)
        expected = {"conv": True, "bn": True, "block": False, "block.0": False, "block.1": False}
        assert modes(model) == {**expected, "drop": True, "head": True}
        assert {name for name, each in model.named_parameters() if each.stop_gradient} == {
            "bn._mean",
            "bn._variance",
            "block.0.weight",
            "block.0.bias",
        }

    @pytest.mark.parametrize(
        "params, frozen, evaluated",
        [
            ({"layers": ["conv", "bn"]}, ["conv.weight", "conv.bias", "bn.weight", "bn.bias"], ["conv", "bn"]),
            ({"layers": [r"(conv|bn)\.bias"]}, ["conv.bias", "bn.bias"], []),
            ({"layers": [r"bn\.(weight|bias)"]}, ["bn.weight", "bn.bias"], ["bn"]),
            (
                {"layers": ["block", "bn"], "keep": [r"bn\.bias"]},
                ["block.0.weight", "block.0.bias", "bn.weight"],
                ["block", "block.0", "block.1"],
            ),
            ({"keep": ["head", "block", "bn"]}, ["conv.weight", "conv.bias"], ["conv"]),
            ({"keep": ["conv", "bn", r"block\.0"]}, ["head.weight", "head.bias"], ["head"]),
            ({"layers": ["head"]}, ["head.weight", "head.bias"], ["head"]),
        ],
        ids=str,
    )
    def test_choices(self, params, frozen, evaluated):
        model = Network()
        trainable = {name for name, each in model.named_parameters() if not each.stop_gradient}
        run = run_of(model)
        callback = started(FreezeLayers(**params), run)
        # Of half a BatchNorm Paddle computes no gradient: what is frozen of it has one, and a learning rate of 0.
        now = {
            name
            for name, each in model.named_parameters()
            if not each.stop_gradient and each.optimize_attr["learning_rate"]
        }
        assert trainable - now == set(frozen)
        model.train()
        callback.on_epoch_start(run)
        assert {name for name, training in modes(model).items() if not training} == set(evaluated)

    def test_statistics_without_weights_follow_their_name(self):
        model = Network()
        model.bn = nn.BatchNorm2D(5, weight_attr=False, bias_attr=False)
        for layers, stays in ((["conv"], True), (["bn", "conv"], False), (None, False)):
            run = run_of(copy.deepcopy(model))
            started(FreezeLayers(layers=layers), run).on_epoch_start(run)
            assert run.model.bn.training is stays

    def test_synchronised_statistics_put_in_later(self):
        model = Network()
        run, callback = run_of(model), FreezeLayers()
        callback.on_model_built(run)
        run.model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        run.model.train()
        callback.on_epoch_start(run)
        assert isinstance(run.model.bn, nn.SyncBatchNorm) and not run.model.bn.training

    def test_what_was_frozen_stays_frozen(self):
        model = Network()
        normalize(model.head, 30.0)
        model.conv.bias.stop_gradient = True
        run = run_of(model)
        started(FreezeLayers(), run).on_epoch_start(run)
        trained = [name for name, each in model.named_parameters() if not each.stop_gradient]
        assert trained == ["head.weight"] and not model.conv.training and model.head.training

    @pytest.mark.parametrize(
        "params, expected",
        [
            ({"layers": [".*"]}, "`layers` must be such that something is left to train"),
            ({"keep": ["bn._mean"]}, "`layers` must be such that something is left to train"),
            ({"keep": [".*"]}, "`layers` must be such that something is frozen"),
            ({"layers": ["bn"], "keep": ["bn"]}, "`layers` must be such that something is frozen"),
            ({"layers": ["bn._mean"]}, "`layers` must be such that something is frozen"),
            ({"layers": ["drop"]}, "`layers` must be such that something is frozen"),
            ({"layers": ["conv", "haed"]}, "`layers` must be names of layers or parameters, got 'haed', .* head"),
            ({"keep": ["head.weigth"]}, "`keep` must be names of layers or parameters, got .* head.weight"),
        ],
        ids=str,
    )
    def test_mistakes(self, params, expected):
        with pytest.raises(ConfigError, match=f"^FreezeLayers: {expected}"):
            FreezeLayers(**params).on_model_built(run_of(Network()))

    @pytest.mark.parametrize("wrong", [{"layers": "fc"}, {"keep": []}, {"layers": {"fc": None}}])
    def test_wrong_parameters(self, wrong):
        (key,) = wrong
        with pytest.raises(ConfigError, match=f"^FreezeLayers: `{key}` must be a list of names"):
            FreezeLayers(**wrong)
