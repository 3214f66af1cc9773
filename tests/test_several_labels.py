"""Images with several labels each: losses against the authors' code, average precision, counts, and a training."""

import copy
import json
import math
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from sklearn.metrics import average_precision_score

from ppcls_lt import losses
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import registered
from ppcls_lt.data.counts import label_counts
from ppcls_lt.data.weighting import effective_number
from ppcls_lt.engine import best_metric, trainer
from ppcls_lt.maths import ranking
from ppcls_lt.metrics import ManyMediumFewMAP

from . import engines
from .reference import DATA, gradient
from .several_labels import LISTED, settings, write_rows

AUTHORS = json.loads((DATA / "distribution_balanced_values.json").read_text())["losses"]
COUNTS, IMAGES = [60, 25, 10, 3], 80
LABEL = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]])
LOGITS = np.random.default_rng(0).normal(0, 2, LABEL.shape)
BUILT = {
    "DistributionBalancedLoss": {"num_images": IMAGES},
    "ClassBalancedMultiLabelLoss": {"form": "focal", "gamma": 1.5},
}


def built(name, **params):
    return registered("loss")[name](**{"num_class_list": COUNTS, **BUILT[name], **params})


def value_and_gradient(loss, logits, label, dtype="float64"):
    z = paddle.to_tensor(np.asarray(logits), dtype=dtype, stop_gradient=False)
    result = loss({"logits": z}, label if isinstance(label, paddle.Tensor) else paddle.to_tensor(np.asarray(label)))
    (value,) = result.values()
    assert list(result) == [loss.result_key] and value.dtype == (z.dtype if dtype == "float64" else paddle.float32)
    value.backward()
    return float(value), z.grad.astype("float64").numpy()


def of_entry(entry):
    """The loss of an entry, and what its value is multiplied by: the code's weights are not scaled."""
    params = dict(entry["params"])
    if entry["loss"] == "DistributionBalancedLoss":
        if not params["focal"]["focal"]:
            params["focal"] = None
        else:
            params["focal"] = {key: v for key, v in params["focal"].items() if key != "focal"}
        return losses.DistributionBalancedLoss(
            num_class_list=entry["counts"], num_images=entry["num_images"], **params
        ), 1.0
    scaled, plain = (effective_number(entry["counts"], params["beta"], normalize=n) for n in (True, False))
    return losses.ClassBalancedMultiLabelLoss(num_class_list=entry["counts"], **params), (scaled / plain).mean()


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 1e-4)])
@pytest.mark.parametrize("entry", AUTHORS, ids=lambda entry: f"{entry['loss']}-{entry['kind']}")
def test_values_of_the_authors_code(entry, dtype, tolerance):
    loss, factor = of_entry(entry)
    value, slope = value_and_gradient(loss, entry["logits"], entry["label"], dtype)
    assert value == pytest.approx(factor * entry["value"], rel=tolerance)
    wanted = factor * np.array(entry["grad_logits"])
    np.testing.assert_allclose(slope, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


def distribution_balanced(z, y, *, alpha=0.1, beta=10.0, mu=0.2, scale=2.0, kappa=0.05, gamma=2.0, factor=2.0):
    """The paper's loss, image by image and label by label."""
    total, (images, classes) = 0.0, z.shape
    n = np.array(COUNTS)
    for i in range(images):
        repeated = sum(1 / n[k] for k in range(classes) if y[i, k])
        for c in range(classes):
            r = (1 / n[c]) / repeated if repeated else math.inf
            weight = alpha + 1 / (1 + math.exp(-min(beta * (r - mu), 500)))
            shifted = z[i, c] - kappa / scale * math.log(IMAGES / n[c] - 1)
            loss = math.log1p(math.exp(-shifted)) if y[i, c] else math.log1p(math.exp(scale * shifted))
            total += weight * (1 - math.exp(-loss)) ** gamma * loss / (1 if y[i, c] else scale)
    return factor * total / (images * classes)


def class_balanced(z, y, *, gamma=1.5):
    """Focal losses with the mean weight of an image's labels."""
    w = effective_number(COUNTS, 0.9)
    weight = [np.mean(w[row == 1]) if row.any() else 1.0 for row in y]
    loss = np.log1p(np.exp(np.where(y == 1, -z, z)))
    return (np.array(weight)[:, None] * (1 - np.exp(-loss)) ** gamma * loss).mean()


@pytest.mark.parametrize(
    "name, formula",
    [("DistributionBalancedLoss", distribution_balanced), ("ClassBalancedMultiLabelLoss", class_balanced)],
)
class TestALoss:
    def test_is_the_papers(self, name, formula):
        value, slope = value_and_gradient(built(name), LOGITS, LABEL)
        assert value == pytest.approx(formula(LOGITS, LABEL), rel=1e-10)
        np.testing.assert_allclose(slope, gradient(lambda z: formula(z, LABEL), LOGITS), rtol=0, atol=1e-8)

    def test_labels_of_every_type_and_with_their_shares(self, name, formula):
        wanted = formula(LOGITS, LABEL)
        shares = np.stack([LABEL, np.broadcast_to(LABEL.mean(axis=0), LABEL.shape)], axis=1)
        for label in (*(paddle.to_tensor(LABEL).astype(t) for t in ("int64", "float32")), paddle.to_tensor(shares)):
            assert value_and_gradient(built(name), LOGITS, label)[0] == pytest.approx(wanted, rel=1e-10)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_is_computed_in_float32(self, name, formula, dtype):
        half = paddle.to_tensor(LOGITS, dtype=dtype).astype("float64").numpy()
        with paddle.amp.auto_cast(dtype="bfloat16"):
            value, _ = value_and_gradient(built(name), LOGITS, LABEL, dtype)
        assert value == pytest.approx(formula(half, LABEL), rel=1e-5)

    def test_extremes_stay_finite(self, name, formula):
        for logits in (1e4 * np.sign(LOGITS), 1e4 * (2 * LABEL - 1), -1e4 * (2 * LABEL - 1), 0 * LOGITS):
            value, slope = value_and_gradient(built(name), logits, LABEL, "float32")
            assert math.isfinite(value) and np.isfinite(slope).all()

    @pytest.mark.parametrize("label", [np.array([0, 1, 2, 3, 0]), LABEL[:, :3], LABEL[:4], LABEL * 0.5, LABEL * 2])
    def test_other_labels_are_an_error(self, name, formula, label):
        with pytest.raises(ConfigError, match=rf"^{name}: `label` must be .*1 for each label that an image has"):
            value_and_gradient(built(name), LOGITS, label)

    def test_copies_and_checkpoints(self, name, formula):
        loss = copy.deepcopy(built(name))
        assert not loss.state_dict()
        assert value_and_gradient(loss, LOGITS, LABEL)[0] == pytest.approx(formula(LOGITS, LABEL), rel=1e-10)

    def test_class_weights_of_a_callback_act_on_the_columns(self, name, formula):
        loss = built(name, **({"CB_mode": "by_class"} if "ClassB" in name else {}))
        loss.set_class_weight(np.array([0.0, 0.0, 2.0, 0.0]))
        _, slope = value_and_gradient(loss, LOGITS, LABEL)
        assert not slope[:, [0, 1, 3]].any() and slope[:, 2].all()


@pytest.mark.parametrize(
    "name, params, said",
    [
        ("DistributionBalancedLoss", {"num_images": "auto"}, "`num_images` must be an integer .`auto` is resolved"),
        ("DistributionBalancedLoss", {"num_images": 59}, r"`num_images` must be at least the images of each label .60"),
        ("DistributionBalancedLoss", {"map_param": {"alfa": 1}}, "unknown parameter of `map_param` 'alfa'.*'alpha'"),
        ("DistributionBalancedLoss", {"map_param": 1}, "`map_param` must be a map of alpha, beta, gamma"),
        ("DistributionBalancedLoss", {"logit_reg": {"neg_scale": 0}}, "`logit_reg.neg_scale` must be .*> 0"),
        ("DistributionBalancedLoss", {"focal": {"gamma": -1}}, "`focal.gamma` must be .*>= 0"),
        ("DistributionBalancedLoss", {"num_class_list": None}, "`num_class_list` must be a list"),
        ("ClassBalancedMultiLabelLoss", {"form": "softmax"}, "`form` must be"),
        ("ClassBalancedMultiLabelLoss", {"form": "sigmoid"}, "`gamma` must be left out"),
        ("ClassBalancedMultiLabelLoss", {"CB_mode": "min"}, "`CB_mode` must be"),
        ("ClassBalancedMultiLabelLoss", {"beta": 1}, "`beta` must be"),
        ("ClassBalancedMultiLabelLoss", {"gamma": "2"}, "`gamma` must be"),
    ],
)
def test_wrong_parameters(name, params, said):
    with pytest.raises(ConfigError, match=rf"^{name}: {said}"):
        built(name, **params)


def test_a_label_of_every_image_and_one_of_none():
    loss = losses.DistributionBalancedLoss(num_class_list=[80, 25, 0, 3], num_images=80, allow_empty_classes=True)
    value, slope = value_and_gradient(loss, LOGITS, LABEL)
    assert math.isfinite(value) and np.isfinite(slope).all()


class TestMeanAveragePrecision:
    def scores(self, images=200):
        rng = np.random.default_rng(1)
        labels = rng.random((images, 5)) < [0.6, 0.3, 0.1, 0.02, 0.0]
        scores = np.round(rng.normal(size=labels.shape) + labels, 1)  # with ties
        return scores.astype(np.float32), labels

    def test_is_scikit_learns(self):
        scores, labels = self.scores()
        found = ranking.average_precision(scores, labels)
        assert np.isnan(found[4])
        for c in range(4):
            assert found[c] == pytest.approx(average_precision_score(labels[:, c], scores[:, c]), rel=1e-12)

    def test_by_group_over_batches(self):
        scores, labels = self.scores()
        each = ranking.average_precision(scores, labels)
        metric = ManyMediumFewMAP(num_class_list=[600, 300, 50, 20, 4])
        for _ in range(2):  # after a reset everything is forgotten
            metric.reset()
            assert metric.avg == 0.0 and math.isnan(metric.values()["mAP"])
            for rows in (slice(0, 90), slice(90, 200)):
                metric({"logits": paddle.to_tensor(scores[rows])}, paddle.to_tensor(labels[rows].astype("float32")))
                assert metric.avg > 0  # as it is printed on the way
            wanted = [np.nanmean(each), each[:2].mean(), each[2:4].mean()]
            assert list(metric.values().values())[:3] == pytest.approx(wanted, rel=1e-12)
            assert math.isnan(metric.values()["mAP_few"]) and metric.avg == metric.values()["mAP"]
        assert "mAP_few" not in metric.avg_info and "mAP_many: " in metric.avg_info

    def test_what_is_not_finite_has_no_value(self):
        metric = ManyMediumFewMAP(num_class_list=COUNTS)
        metric(paddle.full([5, 4], math.nan), paddle.to_tensor(LABEL))
        assert all(math.isnan(value) for value in metric.values().values())

    @pytest.mark.parametrize(
        "logits, label, said",
        [
            ([5, 4], np.zeros(5), "`label` must be"),
            ([5, 4, 1], LABEL, "`x` must be logits"),
            ([5, 3], LABEL[:, :3], "`num_class_list` must be as long as the model's logits .3."),
        ],
    )
    def test_mistakes(self, logits, label, said):
        with pytest.raises(ConfigError, match=f"^ManyMediumFewMAP: {said}"):
            ManyMediumFewMAP(num_class_list=COUNTS)(paddle.zeros(logits), paddle.to_tensor(label))


def test_counts_of_rows():
    class Data:
        labels = LABEL.tolist()

    assert label_counts(Data).tolist() == LABEL.sum(axis=0).tolist()
    Data.labels = [0, 1]
    assert label_counts(Data) is None


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The digits with several labels each."""
    folder = engines.write_digits(tmp_path_factory.mktemp("several") / "digits")
    write_rows(folder)
    return folder


class TestInAnEngine:
    @pytest.mark.parametrize("name", LISTED)
    def test_builds_with_the_counts_of_its_labels(self, name, data, tmp_path, ppcls):
        engine = engines.build_engine(settings(data, tmp_path, {name: LISTED[name]}, eval_during_train=True))
        rows = np.array(engine.train_dataloader.dataset.labels)
        loss = engine.train_loss_func.loss_func[0]
        assert loss.counts.tolist() == rows.sum(axis=0).tolist() and len(loss.counts) == 10
        if name == "DistributionBalancedLoss":
            bias = -0.025 * np.log(len(rows) / rows.sum(axis=0) - 1)
            np.testing.assert_allclose(loss._exact["bias"], bias, rtol=1e-12)

    @pytest.mark.slow
    def test_trains_and_evaluates(self, data, tmp_path, ppcls):
        config = settings(data, tmp_path, {"DistributionBalancedLoss": LISTED["DistributionBalancedLoss"]})
        config["Global"].update(eval_during_train=True, epochs=3, best_metric="mAP_few")
        engine = engines.build_engine(config)
        engine.train()
        metric = engine.eval_metric_func.metric_func_list[0]
        assert 0.15 < metric.values()["mAP"] <= 1
        assert list(tmp_path.rglob("best_model.pdparams"))

    def test_a_best_metric_of_labels_that_no_evaluation_image_has_is_refused(self):
        """Its score would never be a number, so that no epoch were the best."""
        metric = ManyMediumFewMAP(num_class_list=COUNTS, thresholds=(50, 20))
        dataset = SimpleNamespace(labels=[[1, 0, 0, 0], [1, 1, 0, 0]])
        config = {"Global": {"best_metric": "mAP_few"}}
        engine = SimpleNamespace(config=config, metrics=[metric], eval_loader=SimpleNamespace(dataset=dataset))
        with pytest.raises(ConfigError, match="`best_metric` must be a group of classes that the evaluation set holds"):
            best_metric.check_built(engine)
        dataset.labels[1][3] = 1
        best_metric.check_built(engine)

    @pytest.mark.parametrize("name", LISTED)
    def test_data_of_one_class_an_image_are_refused(self, name, data, tmp_path):
        config = engines.digits_config(data, tmp_path, losses=[{name: LISTED[name]}], epochs=1, eval_during_train=False)
        with pytest.raises(
            ConfigError,
            match=rf"^Global: `use_multilabel` must be true with Loss.Train\[0\] {name}, which takes several",
        ):
            trainer.checked_plan(config, "train")

    def test_a_loss_of_one_class_beside_them_is_refused(self, data, tmp_path):
        config = settings(data, tmp_path, engines.listed("FocalLoss"), eval_during_train=True)
        with pytest.raises(ConfigError, match=r"^Loss.Train\[0\] FocalLoss: `label` must be one class for each image"):
            trainer.checked_plan(config, "train")
