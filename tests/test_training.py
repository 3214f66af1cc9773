"""Every loss trains real architectures on real data through the host's Engine."""

import numpy as np
import pytest

from ppcls_lt.data.weighting import class_weights
from ppcls_lt.maths.classifier import find_classifier

from . import engines, reference
from .losses import REFERENCES

pytestmark = pytest.mark.slow

ARCHS = {
    "ResNet": {"name": "ResNet18", "class_num": 10},
    "MobileNetV3": {"name": "MobileNetV3_small_x0_35", "class_num": 10},
    "vision transformer": {"name": "DeiT_tiny_patch16_224", "class_num": 10, "img_size": 32},
    "small ResNet": {"name": "CIFARResNet8", "class_num": 10},
}
SIZES = {"ResNet": 16, "MobileNetV3": 16, "vision transformer": 32, "small ResNet": 8}
OF_MODEL = ("IBLoss", "LDAMLoss")  # a loss of features and one of a normalised classifier
COUNTS = [90, 66, 49, 36, 27, 19, 14, 10, 8, 6]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def record_steps(engine, name):
    """Keep logits, labels, features and the Engine's loss of every training step."""
    steps = []
    features = []
    _, classifier = find_classifier(engine.model, 10, "")
    classifier.register_forward_pre_hook(
        lambda layer, inputs: features.append(inputs[0].numpy()) if layer.training else None
    )
    combined = engine.train_loss_func
    inner = combined.loss_func[0]

    def keep(layer, inputs, output):
        logits = inputs[0]["logits"] if isinstance(inputs[0], dict) else inputs[0]
        (loss,) = output.values()
        steps.append((logits.numpy(), inputs[1].numpy().reshape(-1), features[-1], float(loss)))

    inner.register_forward_post_hook(keep)
    assert type(inner).__name__ == name
    return steps


def expected_loss(name, logits, label, features):
    """The paper's loss of one recorded step, in float64."""
    known = REFERENCES[name]
    params = {key: value for key, value in known.trained.items() if key not in ("num_class_list", "class_weight")}
    if known.scale is not None:
        # The normalised classifier has multiplied already.
        logits = logits / params[known.scale]
    scheme = known.scheme if known.trained_scheme is None else known.trained_scheme
    return reference.loss(
        name,
        logits,
        label,
        weights=class_weights(scheme, COUNTS, owner="test"),
        reduction=known.reduction,
        counts=COUNTS,
        features=features,
        **params,
    )


# Every loss with the smallest architecture, those that look at the model with every one.
@pytest.mark.parametrize(
    "name, arch",
    [
        *((name, "small ResNet") for name in engines.PARAMS),
        *((name, arch) for arch in ARCHS if arch != "small ResNet" for name in OF_MODEL),
    ],
)
def test_trains_with_the_papers_loss(name, arch, data, tmp_path):
    """Two epochs, or one where the architecture is large."""
    epochs = 2 if arch == "small ResNet" else 1
    settings = engines.digits_config(
        data,
        tmp_path,
        losses=[engines.listed(name)],
        arch=ARCHS[arch],
        size=SIZES[arch],
        batch_size=64,
        epochs=epochs,
    )
    settings["Optimizer"]["lr"]["learning_rate"] = 1e-3
    engine = engines.build_engine(settings)
    steps = record_steps(engine, name)
    engine.train()
    assert len(steps) == epochs * 6
    for logits, label, features, loss in steps[:3]:
        tolerance = 1e-3 if name.startswith("IB") else 1e-4
        assert loss == pytest.approx(expected_loss(name, logits, label, features), rel=tolerance)
    assert np.isfinite([loss for *_, loss in steps]).all()
    assert list(tmp_path.rglob("latest.pdparams"))


@pytest.mark.one_paddle
@pytest.mark.parametrize("name", ["CostSensitiveCE", "LDAMLoss", "IBLoss"])
def test_learns_the_digits(name, data, tmp_path):
    settings = engines.digits_config(data, tmp_path, losses=[engines.listed(name)], epochs=12, eval_during_train=True)
    settings["Global"]["eval_interval"] = 12
    settings["Loss"]["Eval"] = [engines.listed(name)]
    if name == "IBLoss":
        settings["Optimizer"]["lr"]["learning_rate"] = 5e-4
    engine = engines.build_engine(settings)
    steps = record_steps(engine, name)
    engine.train()
    losses = [loss for *_, loss in steps]
    assert np.mean(losses[-11:]) < np.mean(losses[:11])
    few = engine.eval_metric_func.metric_func_list[1].values()
    assert few["overall"] > 0.3


def test_soft_labels_of_the_hosts_mixup(data, tmp_path):
    settings = engines.digits_config(data, tmp_path, losses=[engines.listed("LDAMLoss")], epochs=1)
    settings["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"MixupOperator": {"alpha": 0.5}}]
    engine = engines.build_engine(settings)
    shapes = []
    engine.train_loss_func.loss_func[0].register_forward_post_hook(
        lambda layer, inputs, output: shapes.append((inputs[1].shape, float(next(iter(output.values())))))
    )
    engine.train()
    assert shapes[0][0] == [32, 10]
    assert np.isfinite([loss for _, loss in shapes]).all()


def test_losses_add_nothing_to_checkpoints(data, tmp_path):
    import paddle

    files = {}
    for name in ("ce", "LDAMLoss"):
        losses = [{"CELoss": {"weight": 1.0}}] if name == "ce" else [engines.listed(name)]
        settings = engines.digits_config(data, tmp_path / name, losses=losses, epochs=1)
        engines.build_engine(settings).train()
        path = f"{engines.saved(tmp_path / name)}.pdparams"
        files[name] = {key: list(value.shape) for key, value in paddle.load(path).items()}
    assert files["ce"] == files["LDAMLoss"]
