"""SAM, ImbSAM and Focal-SAM: against the authors' steps, and in the host's own training."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks import SAM, Callback, FocalSAM, ImbSAM, sharpness
from ppcls_lt.host import steps
from ppcls_lt.maths.sharpness import weighed

from . import engines
from .losses import softmax
from .observers import weights

AUTHORS = json.loads((Path(__file__).parent / "data" / "authors_code_values_2.json").read_text())["others"]
CE = {"CELoss": {"weight": 1.0}}
IB = engines.listed("IBLoss")


class Linear:
    """One linear layer in float64, its run and its passes: what a callback acts on, without the host's loop."""

    def __init__(self, entry, counts=None, amp=None):
        host.load()
        images, label = np.array(entry["inputs"]), np.array(entry["label"])
        self.model = nn.Linear(images.shape[1], len(entry["bias"])).to(dtype="float64")
        self.model.weight.set_value(np.array(entry["weight"]).T)
        self.model.bias.set_value(np.array(entry["bias"]))
        loss = host.module("loss").build_loss([CE])
        engine = SimpleNamespace(train_loss_func=loss, amp=False)
        batch = [paddle.to_tensor(images), paddle.to_tensor(label).reshape([-1, 1])]
        self.passes = [steps.Pass(engine, lambda engine, batch: self.model(batch[0]), batch)]
        self.run = SimpleNamespace(
            config={"AMP": amp},
            model=self.model,
            training_loss=loss,
            weighted_losses=list,
            class_counts=lambda: np.array(counts),
        )
        self.params = entry["params"]
        self.velocity = [0.0, 0.0]

    def gradients(self, callback):
        """The gradients as the callback leaves them: weight ``[C, D]`` and bias ``[C]``."""
        callback.on_checkpoint_loaded(self.run)
        self.passes[0].backward()
        callback.on_gradients(self.run, self.passes)
        return self.model.weight.grad.numpy().T, self.model.bias.grad.numpy()

    def step(self, callback):
        """One of SGD with momentum and weight decay; Paddle's takes its momentum in float32."""
        self.gradients(callback)
        for index, weight in enumerate(self.model.parameters()):
            change = weight.grad.numpy() + self.params["weight_decay"] * weight.numpy()
            self.velocity[index] = self.params["momentum"] * self.velocity[index] + change
            weight.set_value(weight.numpy() - self.params["lr"] * self.velocity[index])
            weight.clear_gradient()

    def assert_is(self, expected):
        np.testing.assert_allclose(self.model.weight.numpy().T, expected["weight"], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(self.model.bias.numpy(), expected["bias"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("entry", AUTHORS["SAM"], ids=lambda entry: str(entry["params"]))
def test_sam_makes_the_authors_three_steps(entry):
    layer = Linear(entry)
    for expected in entry["after"]:
        layer.step(SAM(rho=entry["params"]["rho"], adaptive=entry["params"]["adaptive"]))
        layer.assert_is(expected)


@pytest.mark.parametrize("entry", AUTHORS["ImbSAM"], ids=lambda entry: str(entry["seed"]))
def test_imbsam_makes_the_authors_step(entry):
    params = {key: entry["params"][key] for key in ("rho", "eta", "tail_factor")}
    layer = Linear(entry, entry["counts"])
    layer.step(ImbSAM(**params))
    layer.assert_is(entry["after_imbsam"])
    layer = Linear(entry, entry["counts"])
    layer.step(SAM(rho=params["rho"]))
    layer.assert_is(entry["after_sam"])


def gradient(entry, shares, weight, bias):
    """Of the cross entropy with a share for each image, over the images: float64, by hand."""
    images, label = np.array(entry["inputs"]), np.array(entry["label"])
    error = softmax(images @ weight.T + bias)
    error[np.arange(len(label)), label] -= 1
    error *= shares[label][:, None] / len(label)
    return error.T @ images, error.sum(axis=0)


def split_step(entry, shares, factor, rho):
    """``grad L_rest(w) + factor * grad L_c(w + e)`` by hand."""
    weight, bias = np.array(entry["weight"]), np.array(entry["bias"])
    rest = gradient(entry, 1 - shares, weight, bias)
    up = gradient(entry, shares, weight, bias)
    norm = math.sqrt(sum((part**2).sum() for part in up))
    there = gradient(entry, shares, weight + rho * up[0] / norm, bias + rho * up[1] / norm)
    return [one + factor * other for one, other in zip(rest, there)]


def test_imbsam_in_the_papers_form():
    entry = AUTHORS["ImbSAM"][1]
    tail = (np.array(entry["counts"]) < 20).astype(float)
    found = Linear(entry, entry["counts"]).gradients(ImbSAM(rho=0.3, tail_factor=1))
    for one, other in zip(found, split_step(entry, tail, 1.0, 0.3)):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("eta, tail", [(20, [0, 0, 0, 1, 1, 1]), ("tertiles", [0, 0, 0, 0, 1, 1])])
def test_classes_of_the_tail(eta, tail):
    assert ImbSAM(eta=eta).shares(np.array([500, 158, 50, 19, 5, 0])).tolist() == tail


def test_focal_sam_is_its_formula():
    entry = AUTHORS["ImbSAM"][1]
    counts = np.array(entry["counts"])
    shares = 0.7 * (1 - counts / counts.sum()) ** 3.0
    found = Linear(entry, counts).gradients(FocalSAM(rho=0.3, flat_gamma=3.0, sharpness=0.7))
    # Its shares are float32.
    for one, other in zip(found, split_step(entry, shares, 1.0, 0.3)):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("callback", [SAM(rho=0), FocalSAM(rho=0, flat_gamma=0, sharpness=1)])
def test_without_a_way_the_gradient_is_the_plain_one(callback):
    entry = AUTHORS["SAM"][1]
    plain = Linear(entry)
    plain.passes[0].backward()
    for one, other in zip(Linear(entry, [5] * 4).gradients(callback), plain.gradients(Callback())):
        np.testing.assert_array_equal(one, other / 2)  # its own pass, and the one of `gradients`


def test_shares_scale_gradients_and_no_values():
    one = paddle.to_tensor([[1.5, -2.0], [3.0, 0.1]], stop_gradient=False)
    shares = paddle.to_tensor([0.25, 0.0])
    found = weighed({"logits": one * 2, "more": [one * 3, 5]}, shares)
    np.testing.assert_array_equal(found["logits"].numpy(), (one * 2).numpy())
    assert found["more"][1] == 5
    (found["logits"].sum() + found["more"][0].sum()).backward()
    np.testing.assert_array_equal(one.grad.numpy(), [[1.25, 1.25], [0, 0]])


@pytest.mark.parametrize("gradient", [0.0, math.inf, math.nan])
def test_no_way_up_where_there_is_no_gradient_or_none_that_is_finite(gradient):
    layer, seen = Linear(AUTHORS["SAM"][0], amp={"level": "O1"}), []
    callback = SAM(rho=0.5)
    callback.on_checkpoint_loaded(layer.run)
    layer.passes[0].backward()
    paddle.assign(paddle.full_like(layer.model.weight, gradient), layer.model.weight.grad)
    paddle.assign(paddle.zeros_like(layer.model.bias), layer.model.bias.grad)
    before = weights(layer.model)
    callback.on_gradients(layer.run, [SimpleNamespace(backward=lambda: seen.append(weights(layer.model)))])
    for found in (seen[0], weights(layer.model)):
        assert all((found[name] == value).all() for name, value in before.items())


class Moody(nn.Layer):
    """A loss that counts its images, in place or not, and draws random numbers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("counts", paddle.zeros([3]), persistable=False)
        self.register_buffer("calls", paddle.zeros([1]))
        self.step = 0
        self.met, self.seen = paddle.zeros([1]), np.zeros(1)

    def forward(self, x, label):
        self.counts = self.counts + nn.functional.one_hot(label.flatten(), 3).sum(0)
        self.calls.add_(paddle.ones([1]))
        self.step += 1
        self.met.add_(paddle.ones([1]))
        self.seen += 1
        x = x * (self.met + paddle.to_tensor(self.seen, dtype="float32"))
        drawn = self.step * paddle.rand([x.shape[0]], dtype="float32")
        loss = nn.functional.cross_entropy(x * self.counts * self.calls, label.flatten(), reduction="none")
        return {"loss": (drawn * loss).sum()}


def test_a_loss_that_counts_or_draws_sees_the_same_batches_again():
    """Two batches of a step, each passed two more times: one after the other, as at first."""
    paddle.seed(3)
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    engine = SimpleNamespace(train_loss_func=Moody(), amp=False)
    batches = [[paddle.randn([5, 4]), paddle.to_tensor([[0], [2], [1], [1], [2]])] for _ in range(2)]
    losses, passes = [], []

    def forward(engine, batch):
        return model(batch[0])

    engine.train_loss_func.register_forward_post_hook(lambda layer, inputs, output: losses.append(output["loss"]))
    for batch in batches:
        made = steps.Pass(engine, forward, batch)
        passes.append(made)
        engine.train_loss_func(forward(engine, batch), batch[1])
    random, counts = paddle.get_rng_state()[0], engine.train_loss_func.counts.numpy()
    for _ in range(2):
        for each in passes:
            each.backward()
    found = [loss.item() for loss in losses]
    assert found[0:2] == found[2:4] == found[4:6] and found[0] != found[1]
    np.testing.assert_array_equal(engine.train_loss_func.counts.numpy(), counts)
    assert counts.tolist() == [2, 4, 4] and engine.train_loss_func.calls.item() == engine.train_loss_func.step == 2
    assert engine.train_loss_func.met.item() == engine.train_loss_func.seen[0] == 2
    paddle.set_rng_state([random])
    drawn = paddle.rand([4]).numpy()
    passes[-1].backward()
    np.testing.assert_array_equal(paddle.rand([4]).numpy(), drawn)


class Statistics(Callback):
    """How often the statistics of BatchNorm moved in each step; the last one built is ``Statistics.last``."""

    last = None

    def __init__(self):
        Statistics.last = self
        self.before = self.moved = self.calls = 0

    def on_checkpoint_loaded(self, run):
        kinds = (nn.BatchNorm, nn.layer.norm._BatchNormBase)
        self.layer = next(layer for layer in run.model.sublayers() if isinstance(layer, kinds))
        self.layer.register_forward_post_hook(self.count)

    def count(self, layer, inputs, output):
        self.calls += layer.training
        after = layer._mean.numpy()
        self.moved += (after != self.before).any()
        self.before = after


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Digits, eight images of each of the first five classes and four of the others."""
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    lines = (folder / "train.txt").read_text().splitlines()
    chosen = [[line for line in lines if line.endswith(f" {label}")][: 8 if label < 5 else 4] for label in range(10)]
    (folder / "train.txt").write_text("\n".join(sum(chosen, [])) + "\n")
    return folder


@pytest.fixture
def train(data, tmp_path):
    """Train a model with Dropout and BatchNorm on 60 images; return the weights at the end."""

    def trained(callbacks, *, change=None, batch_size=20, losses=(CE,), epochs=1, **options):
        settings = engines.digits_config(
            data,
            tmp_path,
            losses=list(losses),
            arch={"name": "MobileNetV3_small_x0_35", "class_num": 10, "dropout_prob": 0.5},
            size=32,
            batch_size=batch_size,
            epochs=epochs,
            eval_during_train=False,
            overwrite=True,
            seed=7,
            **options,
        )
        settings["Callbacks"] = callbacks
        if change is not None:
            change(settings)
        engine = engines.build_engine(settings)
        engine.train()
        return weights(engine.model)

    return trained


def same(one, other):
    return all((one[name] == value).all() for name, value in other.items())


def test_the_frozen_half_of_a_batch_norm_is_not_trained():
    """It has a gradient and the learning rate 0: neither is it moved, nor does it count in the length of the way."""
    model = paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))
    model[1].weight.optimize_attr["learning_rate"] = 0.0
    model(paddle.randn([5, 3])).square().sum().backward()
    run = SimpleNamespace(model=model, training_loss=paddle.nn.Layer())
    names = {parameter.name for parameter in sharpness.trained(run)}
    assert names == {model[0].weight.name, model[0].bias.name, model[1].bias.name}


@pytest.mark.slow
def test_in_the_hosts_training(train):
    """A way of length 0 is the plain step to the bit: the same dropout, images, statistics. Another is not."""
    plain = train([])
    assert same(train([{"SAM": {"rho": 0}}, {f"{__name__}.Statistics": None}]), plain)
    assert Statistics.last.calls == 2 * 3 and Statistics.last.moved == 3
    assert not same(train([{"SAM": {"rho": 0.05}}]), plain)
    train([{"ImbSAM": {"eta": 5}}, {f"{__name__}.Statistics": None}])
    assert Statistics.last.calls == 3 * 3 and Statistics.last.moved == 3


@pytest.mark.slow
@pytest.mark.parametrize("loss", [{"SeesawLoss": {"weight": 1.0}}, engines.listed("EqualizationLoss")], ids=str)
def test_gradients_that_are_accumulated(loss, train):
    """Where the host accumulates, the way goes up the gradient of all batches of an update.

    One loss counts images and one draws by the number of the step: each batch is to it what it was.
    """

    def change(settings):
        settings["Global"]["update_freq"] = 3

    assert same(train([{"SAM": {"rho": 0}}], change=change, losses=[loss]), train([], change=change, losses=[loss]))


def test_batches_of_one_update_count_their_share():
    """As the host divides where it accumulates, which not every version of it does."""
    layer = Linear(AUTHORS["SAM"][0])
    layer.passes[0].backward()
    whole = layer.model.weight.grad.numpy().copy()
    layer.model.clear_gradients()
    layer.passes[0]._engine.update_freq = 4
    for _ in range(4):
        layer.passes[0].backward()
    np.testing.assert_allclose(layer.model.weight.grad.numpy(), whole, rtol=1e-9)


@pytest.mark.parametrize("callback", [SAM(rho=0.3), ImbSAM(rho=0.3, eta=20)], ids=["sam", "imbsam"])
def test_the_passes_of_a_scaled_loss_are_scaled_too(callback):
    """The scaler of the host does nothing on a CPU; this one does."""
    found = []
    for factor in (1.0, 65536.0):
        entry = AUTHORS["ImbSAM"][1]
        layer = Linear(entry, entry["counts"], amp={"level": "O1"})
        engine, batch = layer.passes[0]._engine, layer.passes[0]._batch
        engine.scaler = SimpleNamespace(scale=lambda loss, factor=factor: factor * loss)
        callback.on_checkpoint_loaded(layer.run)
        engine.scaler.scale(engine.train_loss_func(layer.model(batch[0]), batch[1])["loss"]).backward()
        callback.on_gradients(layer.run, layer.passes)
        found.append([each.grad.numpy() / factor for each in layer.model.parameters()])
    for plain, scaled in zip(*found):
        np.testing.assert_allclose(scaled, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_mixed_precision(train):
    """On a CPU nothing is cast and no loss is scaled, but the update goes through the scaler."""

    def change(settings):
        settings["AMP"] = {"level": "O1", "scale_loss": 128.0, "use_dynamic_loss_scaling": True}

    plain = train([], change=change)
    assert same(train([{"SAM": {"rho": 0}}], change=change), plain)
    assert not same(train([{"SAM": {"rho": 0.05}}], change=change), plain)


@pytest.mark.slow
def test_soft_labels(train):
    def change(settings):
        settings["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"MixupOperator": {"alpha": 0.5}}]

    found = train([{"ImbSAM": {"eta": 5}}], change=change, losses=[engines.listed("FocalLoss")])
    assert not same(found, train([], change=change, losses=[engines.listed("FocalLoss")]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "callbacks, settings, said",
    [
        ([{"SAM": {"rho": -1}}], {}, "SAM: `rho` must be a finite number >= 0"),
        ([{"SAM": {"adaptive": 1}}], {}, "SAM: `adaptive` must be true or false"),
        ([{"ImbSAM": {"eta": 0}}], {}, "ImbSAM: `eta` must be an integer >= 1 or 'tertiles'"),
        ([{"ImbSAM": {"tail_factor": 0}}], {}, "ImbSAM: `tail_factor` must be a finite number > 0"),
        ([{"FocalSAM": {"sharpness": 0}}], {}, "FocalSAM: `sharpness` must be"),
        ([{"SAM": {}}, {"ImbSAM": {}}], {}, "SAM: `Callbacks` must be a list with one of the kind, got ImbSAM too"),
        ([{"SAM": {}}], {"Global": {"to_static": True}}, "SAM: `Global.to_static` must be false"),
        ([{"SAM": {}}], {"Global": {"train_mode": "fixmatch"}}, "SAM: `Global.train_mode` must be left out"),
        ([{"SAM": {}}], {"AMP": {"level": "O2"}}, "SAM: `AMP.level` must be O1, got O2"),
        ([{"SAM": {}}], {"Global": {"use_dali": True, "update_freq": 2}}, "`use_dali` must be false"),
        (
            [{"ImbSAM": {"eta": 4}}],
            {},
            "ImbSAM: `eta` must be such that some classes .*, 0 of 10 classes, which have 4 to 8 images",
        ),
        ([{"ImbSAM": {"eta": 9}}], {}, "ImbSAM: `eta` must be such that some"),
        ([{"ImbSAM": {"eta": 5}}], {"Loss": {"Train": [engines.listed("IBLoss")]}}, "ImbSAM: `Loss.Train` must be"),
        ([{"FocalSAM": {}}, {"LossSchedule": {"before": IB}}], {}, "FocalSAM: `Loss.Train` must be .*, got IBLoss"),
    ],
)
def test_mistakes(callbacks, settings, said, train):
    def change(config):
        for name, section in settings.items():
            config.setdefault(name, {}).update(section)

    with pytest.raises(ConfigError, match=said):
        train(callbacks, change=change)
