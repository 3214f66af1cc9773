"""What the tests of callbacks that change weights share: a small model, a run around it, a few steps."""

import copy
from types import SimpleNamespace

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppcls_lt.maths.classifier import find_classifier

CLASSES = 6


class Network(nn.Layer):
    """A convolution, a Linear and a classifier, with what lies between them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 5, 3)
        self.bn = nn.BatchNorm2D(5)
        self.block = nn.Sequential(nn.Linear(5, 7), nn.Dropout(0.5))
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(7, CLASSES)

    def forward(self, x):
        return self.head(self.drop(self.block(self.bn(self.conv(x)).mean(axis=[2, 3]))))


def run_of(model, *, ema=False, optimizers=()):
    """What a callback sees of a run with this model."""

    def classifier(of=None):
        return find_classifier(model if of is None else of, CLASSES, "Network")

    def master_weight(parameter):
        found = [optimizer._master_weights.get(parameter.name) for optimizer in optimizers]
        return next((master for master in found if master is not None), None)

    average = copy.deepcopy(model) if ema else None
    return SimpleNamespace(
        model=model,
        ema=average,
        models=[model, average] if ema else [model],
        optimizers=list(optimizers),
        classifier=classifier,
        master_weight=master_weight,
        resumed=False,
        epoch=1,
        epochs=2,
    )


def started(callback, run):
    """The callback, taken to the start of the training."""
    callback.on_model_built(run)
    callback.on_checkpoint_loaded(run)
    return callback


def sized(weight, norms, axis=1):
    """Give a weight class vectors of these L2 norms; return it."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(len(norms), weight.size // len(norms)))
    rows *= np.asarray(norms)[:, None] / np.linalg.norm(rows, axis=1)[:, None]
    value = rows.T if axis == 1 else rows.reshape(weight.shape)
    weight.set_value(paddle.to_tensor(value).astype(weight.dtype))
    return weight


def norms_of(weight, axis=1, p=2):
    """The norms of the class vectors, in float64."""
    rows = weight.astype("float32").numpy().astype(np.float64)
    rows = rows.T if axis == 1 else rows.reshape(len(rows), -1)
    return np.sum(np.abs(rows) ** p, axis=1) ** (1 / p)


def values(layer):
    return {name: tensor.numpy() for name, tensor in layer.state_dict().items()}


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def train(model, steps=3):
    """A few steps as the host makes them: weight decay, momentum, every parameter given to the optimizer."""
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters(), weight_decay=0.01)
    for _ in range(steps):
        logits = model(paddle.randn([4, 3, 32, 32]) + 1)
        F.cross_entropy(logits, paddle.to_tensor([0, 1, 2, 3])).backward()
        optimizer.step()
        optimizer.clear_grad()
