"""Labels that are no single class: several an image are refused, smoothed ones before class weights are told."""

import logging
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import found
from ppcls_lt.callbacks import Callback
from ppcls_lt.engine import trainer

from . import engines, stock

CLASSES = 4
MANY = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1]], "float32")
NONE = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]], "float32")
MIXED = np.array([[0.3, 0.7, 0, 0], [0, 1, 0, 0], [0.5, 0, 0, 0.5]], "float32")


def loss_of(name):
    params = {**engines.PARAMS[name], "num_class_list": [50, 20, 5, 1]}
    return found("loss", name, params)(**params)


def inputs():
    return {"logits": paddle.zeros([3, CLASSES]), "features": paddle.ones([3, 2])}


@pytest.mark.parametrize("name", engines.PARAMS)
class TestALossAlone:
    @pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
    @pytest.mark.parametrize(
        "label, message", [(MANY, r"2 \(row 0\)"), (NONE, r"0 \(row 1\)"), (MIXED + np.nan, "nan")]
    )
    def test_refuses_several_classes_an_image(self, name, label, message, dtype):
        with pytest.raises(
            ConfigError, match=rf"^{name}: `label` must be .* got a row that sums to {message}.*MultiLabelLoss"
        ):
            loss_of(name)(inputs(), paddle.to_tensor(label).astype(dtype))

    @pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
    def test_looks_at_the_first_soft_labels_alone(self, name, dtype, monkeypatch):
        loss, label = loss_of(name), paddle.to_tensor(MIXED).astype(dtype)
        reads = []
        for method in ("numpy", "item", "tolist", "__array__", "__bool__", "__float__"):
            original = getattr(paddle.Tensor, method)
            monkeypatch.setattr(
                paddle.Tensor, method, lambda *args, inner=original, **kw: reads.append(inner) or inner(*args, **kw)
            )
        loss(inputs(), paddle.to_tensor([0, 1, 2]))
        assert reads == []  # classes say nothing
        loss(inputs(), label)
        assert reads != []
        reads.clear()
        loss(inputs(), label)
        loss(inputs(), paddle.to_tensor(MANY))
        assert reads == []


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture
def settings(data, tmp_path, ppcls):
    """A function that gives a configuration with one loss, or those of a recipe."""

    def made(*losses, **options):
        return engines.digits_config(
            data, tmp_path, losses=list(losses), batch_size=20, epochs=1, eval_during_train=False, **options
        )

    return made


def put(*path, value):
    def change(config):
        *outer, last = path
        for key in outer:
            config = config[key]
        config[last] = value

    return change


SIGNS = {
    "Global.use_multilabel: true": put("Global", "use_multilabel", value=True),
    "DataLoader.Train.dataset: MultiLabelDataset": put(
        "DataLoader", "Train", "dataset", "name", value="MultiLabelDataset"
    ),
    "Loss.Train[1]: MultiLabelLoss": lambda config: config["Loss"]["Train"].append({"MultiLabelLoss": {"weight": 1.0}}),
    "Metric.Train[0]: HammingDistance": put("Metric", "Train", value=[{"HammingDistance": None}]),
}


@pytest.mark.parametrize("sign", SIGNS)
class TestAConfiguration:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", engines.PARAMS)
    def test_with_a_loss_of_one_class_an_image_is_refused(self, name, sign, settings):
        config = settings(engines.listed(name))
        SIGNS[sign](config)
        with pytest.raises(ConfigError) as told:
            trainer.checked_plan(config, "train")
        assert str(told.value).startswith(
            f"Loss.Train[0] {name}: `label` must be one class for each image, got several"
        )
        assert f"({sign})" in str(told.value) and "MultiLabelLoss" in str(told.value)

    def test_with_a_recipe_is_refused(self, sign, settings):
        config = settings({"MultiLabelLoss": {"weight": 1.0}}, recipe="ce")
        if "Loss" in sign:
            pytest.skip("the recipe's losses replace it")
        SIGNS[sign](config)
        with pytest.raises(ConfigError, match=r"^recipe ce: `label` must be one class for each image"):
            trainer.checked_plan(config, "train")

    def test_with_a_metric_of_one_class_an_image_is_refused(self, sign, settings):
        config = settings({"MultiLabelLoss": {"weight": 1.0}})
        SIGNS[sign](config)
        config["Metric"]["Eval"] = [{"MacroF1": None}]
        config["Global"]["eval_during_train"] = True
        with pytest.raises(ConfigError, match=r"^Metric.Eval\[0\] MacroF1: `label` must be one class"):
            trainer.checked_plan(config, "train")

    def test_without_this_package_s_components_is_left_alone(self, sign, settings):
        config = settings({"MultiLabelLoss": {"weight": 1.0}})
        SIGNS[sign](config)
        config["Global"]["eval_during_train"] = False
        trainer.checked_plan(config, "train")


@stock.needs_checkout
def test_the_checkouts_configurations_of_several_labels(ppcls):
    folder = Path(stock.CHECKOUT) / "ppcls" / "configs"
    found = 0
    for path in sorted(folder.rglob("*.yaml")):
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "MultiLabelDataset" not in str(config) or not {"Loss", "DataLoader", "Arch"} <= set(config):
            continue
        from ppcls_lt.configuration import label_kinds

        found += 1
        label_kinds.check(config, ["Train", "Eval"])
        config["Loss"]["Train"] = [{"FocalLoss": {"weight": 1.0}}]
        with pytest.raises(ConfigError, match=r"^Loss.Train\[0\] FocalLoss: `label` must be one class"):
            label_kinds.check(config, ["Train", "Eval"])
    assert found > 10


class TestData:
    """What the configuration does not say, the data do: before training."""

    def test_whose_labels_are_rows(self, settings, ppcls, monkeypatch):
        kind = ppcls.names("dataset")["ImageNetDataset"]

        class Rows(kind):
            def _load_anno(self, seed=None):
                super()._load_anno(seed)
                self.labels = [np.eye(10, dtype="float32")[[label, (label + 1) % 10]].sum(0) for label in self.labels]

        monkeypatch.setitem(ppcls.names("dataset"), "Rows", Rows)
        config = settings(engines.listed("FocalLoss"))
        config["DataLoader"]["Train"]["dataset"]["name"] = "Rows"
        with pytest.raises(ConfigError, match=r"^Loss.Train\[0\] FocalLoss: `label` must be .* sums to 2 \(row 0\)"):
            engines.build_engine(config)

    @pytest.mark.parametrize("factor", [2.0, 0.0])
    def test_whose_batches_are_rows(self, factor, settings, ppcls, monkeypatch):
        class Several:
            def __call__(self, batch):
                return [(image, factor * np.eye(10, dtype="float32")[label]) for image, label in batch]

        monkeypatch.setattr(ppcls.module("data.preprocess"), "Several", Several, raising=False)
        config = settings(engines.listed("CostSensitiveCE"))
        config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"Several": {}}]
        with pytest.raises(
            ConfigError, match=rf"^Loss.Train\[0\] CostSensitiveCE: `label` must be .* sums to {factor:g} \(row 0\)"
        ):
            engines.build_engine(config)

    def test_mixed_for_another_number_of_classes(self, settings, ppcls, monkeypatch):
        class Four:
            def __call__(self, batch):
                return [(image, np.eye(4, dtype="float32")[0]) for image, _ in batch]

        monkeypatch.setattr(ppcls.module("data.preprocess"), "Four", Four, raising=False)
        config = settings({"CELoss": {"weight": 1.0}})
        config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"Four": {}}]
        with pytest.raises(
            ConfigError, match="`batch_transform_ops` must be made for the 10 classes .*, got labels of 4"
        ):
            engines.build_engine(config)


class Smoothing:
    """A batch operator of a user's that smooths."""

    def __call__(self, batch):
        return [
            (image, np.full(10, 0.01, "float32") + 0.9 * np.eye(10, dtype="float32")[label]) for image, label in batch
        ]


@pytest.fixture
def warnings():
    """Messages of warnings, as they come."""
    found, handler = [], logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())
    logging.getLogger("ppcls.lt").addHandler(handler)
    yield found
    logging.getLogger("ppcls.lt").removeHandler(handler)


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss, callbacks, warned",
    [
        (engines.listed("CostSensitiveCE"), [], True),
        (engines.listed("FocalLoss"), [], False),
        (engines.listed("FocalLoss", class_weight=[1] * 10), [], False),
        (engines.listed("FocalLoss"), [{"DeferredReweighting": {"start": 1}}], True),
        (engines.listed("FocalLoss", class_weight="inverse", num_class_list="auto"), [], True),
        (engines.listed("IBLoss"), [], True),
        ({"CELoss": {"weight": 1.0}}, [], False),
    ],
)
def test_smoothed_labels_before_class_weights_are_told(loss, callbacks, warned, settings, warnings, ppcls, monkeypatch):
    monkeypatch.setattr(ppcls.module("data.preprocess"), "Smoothing", Smoothing, raising=False)
    config = settings(loss)
    config["Callbacks"] = callbacks
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"Smoothing": {}}]
    engines.build_engine(config)
    said = [text for text in warnings if "smooths the labels before the class weights act" in text]
    assert len(said) == warned
    warnings.clear()
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"MixupOperator": {"alpha": 0.4}}]
    engines.build_engine(config)
    assert not [text for text in warnings if "smooths" in text]


class SmoothingSeen(Callback):
    """Keeps the label smoothing of the loss that trains, epoch by epoch."""

    seen = []

    def on_epoch_start(self, run):
        self.seen.append(run.training_loss.loss_func[0].label_smoothing)


def test_label_smoothing_reaches_the_losses_of_a_recipe(settings, tmp_path):
    """From a recipe's YAML and through ``LossSchedule``: the losses that train have it."""
    recipe = {
        "Loss": {"Train": [{"IBLoss": {"weight": 1.0, "num_class_list": "auto", "label_smoothing": 0.1}}]},
        "Callbacks": [
            {
                "LossSchedule": {
                    "before": [{"CostSensitiveCE": {"weight": 1.0, "num_class_list": "auto", "label_smoothing": 0.2}}],
                    "start": 0.5,
                }
            },
            {"tests.test_label_kinds.SmoothingSeen": None},
        ],
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    config = settings({"CELoss": {"weight": 1.0}}, recipe=str(tmp_path / "recipe.yaml"))
    config["Global"]["epochs"] = 2
    SmoothingSeen.seen.clear()
    engines.build_engine(config).train()
    assert SmoothingSeen.seen == [0.2, 0.1]


def test_label_smoothing_is_checked_before_training(settings):
    with pytest.raises(ConfigError, match="^CostSensitiveCE: `label_smoothing` must be a finite number >= 0 and < 1"):
        trainer.checked_plan(settings(engines.listed("CostSensitiveCE", label_smoothing=1.0)), "train")
