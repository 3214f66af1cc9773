"""One suite of checks over every registered loss, built through PaddleClas's own ``build_loss``."""

import functools
import inspect
import logging
import math

import numpy as np
import paddle
import pytest
import yaml

import ppcls_lt.losses  # noqa: F401  registers the losses
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import extension, registered
from ppcls_lt.host import known_keys
from ppcls_lt.testing import losses as contract
from ppcls_lt.testing.losses import FEATURES, HARD, LABELS, LOGITS, SOFT, inputs, labels, value, value_and_gradients

from . import reference
from .losses import REFERENCES

# With what stands for PaddleClas's own where that is given further parameters. Those that take rows of labels have a
# suite of their own, tests/test_several_labels.py.
LOSSES = {name: loss for name, loss in registered("loss").items() if not loss.several_labels}
LOSSES["CELoss"] = extension("loss", "CELoss").component
ALL = sorted(LOSSES)
WITH_FEATURES = [name for name in ALL if LOSSES[name].uses_features]

COUNTS = [50, 20, 5, 1]
CLASSES = contract.CLASSES
WEIGHTS = {
    "none": ("none", None),
    "inverse": ("inverse", reference.class_weights("inverse", COUNTS)),
    "effective_number": ("effective_number", reference.class_weights("effective_number", COUNTS, beta=0.9999)),
    "beta": ({"effective_number": {"beta": 0.9}}, reference.class_weights("effective_number", COUNTS, beta=0.9)),
    "cs_ce": ({"cs_ce": {"gamma": 0.5}}, reference.class_weights("cs_ce", COUNTS, gamma=0.5)),
    "without parameters": ({"cs_ce": None}, reference.class_weights("cs_ce", COUNTS, gamma=1.0)),
    "list": ([0.5, 1, 2, 4.5], [0.5, 1, 2, 4.5]),
}
# Every loss: what it is built with here, and its default class weights and reduction.
PARAMS = {name: each.params for name, each in REFERENCES.items()}


def weights_of(scheme, counts):
    """The class weights ``[C]`` of a scheme, by the reference; None for none."""
    if scheme is None:
        return None
    ((name, params),) = scheme.items() if isinstance(scheme, dict) else [(scheme, {})]
    return reference.class_weights(name, counts, **params)


DEFAULTS = {name: (weights_of(each.scheme, COUNTS), each.reduction) for name, each in REFERENCES.items()}


def canonical(name):
    return LOSSES[name].__name__


def accepts(name, parameter):
    return parameter in known_keys.parameters(LOSSES[name]).names


@pytest.fixture
def build(ppcls):
    """Return a function that builds one loss, with ``PARAMS`` and ``COUNTS`` unless told otherwise."""

    def one(name, **params):
        params = {"num_class_list": COUNTS, **PARAMS[canonical(name)], **params, "weight": 1.0}
        return ppcls.module("loss").build_loss([{name: params}]).loss_func[0]

    return one


def expected(name, label, params=None, **changes):
    """The reference value, with the loss's own default weights and reduction unless told otherwise."""
    name = canonical(name)
    known = {"counts": COUNTS, "features": FEATURES, **dict(zip(("weights", "reduction"), DEFAULTS[name]))}
    params = PARAMS[name] if params is None else params
    return reference.loss(name, **{"logits": LOGITS, "label": label, **known, **params, **changes})


def slopes(name, wanted):
    """The reference's gradient in each input of :func:`inputs`, by name; what is detached stays where it is."""
    for key, at in (("logits", LOGITS), ("features", FEATURES)):
        held = {"at": at} if key == "logits" and REFERENCES[canonical(name)].detached else {}
        yield key, reference.gradient(lambda x: wanted(**{key: x}, **held), at)  # noqa: B023


def test_every_loss_is_covered_here():
    assert set(PARAMS) == {canonical(name) for name in ALL}
    assert LOSSES["IB_FocalLoss"] is LOSSES["IBFocalLoss"]
    keys = [cls.result_key for cls in set(LOSSES.values())]
    assert len(set(keys)) == len(keys)  # PaddleClas keeps one of equal keys


@pytest.mark.parametrize("name", ALL)
class TestContract:
    @pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
    def test_holds_to(self, build, name, check):
        check(functools.partial(build, name))

    def test_the_host_builds_it(self, build, name):
        assert type(build(name)) is LOSSES[name]

    def test_says_where_it_comes_from(self, name):
        for part in ("Args:", "Raises:", "Source:", *PARAMS[canonical(name)]):
            assert part in LOSSES[name].__doc__

    def test_an_unknown_parameter_is_an_error(self, build, name):
        with pytest.raises(TypeError, match="gama"):
            build(name, gama=1)

    @pytest.mark.parametrize("kind", LABELS)
    def test_default_value_and_gradients(self, build, name, kind):
        found, gradients = value_and_gradients(build(name), inputs(), labels(LABELS[kind]))
        assert found == pytest.approx(expected(name, LABELS[kind]), rel=1e-9)
        for key, slope in slopes(name, functools.partial(expected, name, LABELS[kind])):
            np.testing.assert_allclose(gradients[key], slope, rtol=0, atol=1e-6 * np.abs(slope).max())

    @pytest.mark.parametrize("kind", LABELS)
    def test_further_parameters(self, build, name, kind):
        for further in REFERENCES[canonical(name)].further:
            params = {k: v for k, v in {**PARAMS[canonical(name)], **further}.items() if v is not None}
            given = {k: params.get(k) for k in {**PARAMS[canonical(name)], **further}}
            weights = weights_of(REFERENCES[canonical(name)].scheme, COUNTS)
            wanted = functools.partial(expected, name, LABELS[kind], weights=weights, params=params)
            found, gradients = value_and_gradients(build(name, **given), inputs(), labels(LABELS[kind]))
            assert found == pytest.approx(wanted(), rel=1e-9), further
            for key, slope in slopes(name, wanted):
                np.testing.assert_allclose(gradients[key], slope, rtol=0, atol=1e-6 * np.abs(slope).max())

    @pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
    @pytest.mark.parametrize("kind", LABELS)
    def test_reduction(self, build, name, reduction, kind):
        found = value(build(name, reduction=reduction), inputs(), labels(LABELS[kind]))
        assert float(found) == pytest.approx(expected(name, LABELS[kind], reduction=reduction), rel=1e-9)

    def test_one_image(self, build, name):
        one = {"logits": LOGITS[2:3], "features": FEATURES[2:3]}
        found = value(build(name), inputs(**one), labels(HARD[2:3]))
        assert float(found) == pytest.approx(expected(name, HARD[2:3], **one), rel=1e-9)

    def test_empty_classes(self, build, name):
        counts = [50, 0, 5, 1]
        with pytest.raises(ConfigError, match=rf"^{canonical(name)}: `num_class_list` must be at least 1 .*: 1$"):
            build(name, num_class_list=counts)
        weights = None
        if DEFAULTS[canonical(name)][0] is not None:
            weights = weights_of(REFERENCES[canonical(name)].scheme, counts)
        loss = build(name, num_class_list=counts, allow_empty_classes=True)
        # Without an image of the empty class the others are as if it had had one image.
        rows = HARD != 1
        some = {"logits": LOGITS[rows], "features": FEATURES[rows]}
        wanted = expected(name, HARD[rows], weights=weights, counts=[50, 1, 5, 1], **some)
        assert float(value(loss, inputs(**some), labels(HARD[rows]))) == pytest.approx(wanted, rel=1e-9)
        # With images of that class, or with nothing else.
        for label in (HARD, np.full(6, 1), SOFT):
            found, gradients = value_and_gradients(loss, inputs(), labels(label))
            assert math.isfinite(found) and all(np.isfinite(g).all() for g in gradients.values())
            if weights is not None and (label == 1).all():
                assert found == 0 and not gradients["logits"].any()

    @pytest.mark.parametrize(
        "x, label",
        [
            ({"logits": paddle.zeros([6, CLASSES, 1])}, HARD),
            ({"logits": LOGITS}, HARD),
            ({"logits": None}, HARD),
            ({"logits": paddle.zeros([6, CLASSES + 1])}, HARD),
            ({}, HARD[:5]),
            ({}, HARD.reshape(2, 3)),
            ({}, HARD.astype("float32")),
            ({}, SOFT[:5]),
            ({}, SOFT[:, :3]),
            ({}, np.eye(CLASSES, dtype="int64")[HARD]),
        ],
    )
    def test_wrong_shapes_are_named(self, build, name, x, label):
        x = {"logits": paddle.zeros([6, CLASSES]), "features": paddle.ones([6, 5]), **x}
        with pytest.raises(ConfigError, match=rf"^{canonical(name)}: `\w+` must be .+, got .+"):
            build(name)(x, paddle.to_tensor(label))


@pytest.mark.parametrize("name", [name for name in ALL if accepts(name, "label_smoothing")])
class TestLabelSmoothing:
    @pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
    @pytest.mark.parametrize("kind", LABELS)
    def test_value_and_gradients(self, build, name, reduction, kind):
        changes = {"label_smoothing": 0.2, "reduction": reduction}
        found, gradients = value_and_gradients(build(name, **changes), inputs(), labels(LABELS[kind]))
        assert found == pytest.approx(expected(name, LABELS[kind], **changes), rel=1e-9)
        for key, slope in slopes(name, functools.partial(expected, name, LABELS[kind], **changes)):
            np.testing.assert_allclose(gradients[key], slope, rtol=0, atol=1e-6 * np.abs(slope).max())

    def test_smoothed_images_have_the_weight_of_their_own_class(self, build, name):
        """By hand, for one image: both parts of a smoothed label weigh as the class itself."""
        if REFERENCES[canonical(name)].term is not None:
            pytest.skip("it is more than a mean of what the images' classes give")
        reduction = {"reduction": "mean"}
        weights = DEFAULTS[canonical(name)][0]
        one = {"logits": LOGITS[2:3], "features": FEATURES[2:3]}
        each = [expected(name, np.array([c]), **one, **reduction, weights=None) for c in range(CLASSES)]
        weight = 1.0 if weights is None else weights[HARD[2]]
        wanted = weight * (0.7 * each[HARD[2]] + 0.3 * np.mean(each))
        found = value(build(name, label_smoothing=0.3, **reduction), inputs(**one), labels(HARD[2:3]))
        assert float(found) == pytest.approx(wanted, rel=1e-9)

    @pytest.mark.parametrize("kind", LABELS)
    @pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
    def test_smoothing_is_computed_in_float32(self, build, name, kind, dtype):
        half = {key: x.astype(dtype).detach() for key, x in inputs("float32").items()}
        half["logits"].stop_gradient = False
        exact = {key: x.astype("float64") for key, x in half.items()}
        with paddle.amp.auto_cast(dtype="bfloat16"):
            result = value(build(name, label_smoothing=0.1), half, labels(LABELS[kind], "float32"))
        assert result.dtype == paddle.float32
        wanted = value(build(name, label_smoothing=0.1), exact, labels(LABELS[kind]))
        assert float(result) == pytest.approx(float(wanted), rel=1e-5)
        result.backward()
        assert half["logits"].grad.dtype == half["logits"].dtype

    def test_smoothed_extremes_stay_finite(self, build, name):
        for logits in (np.sign(LOGITS) * 1e4, 1e4 * np.eye(CLASSES)[HARD], -1e4 * np.eye(CLASSES)[HARD], 0 * LOGITS):
            for kind in LABELS:
                x = inputs("float32", logits)
                found, gradients = value_and_gradients(build(name, label_smoothing=0.1), x, labels(LABELS[kind]))
                assert math.isfinite(found) and all(np.isfinite(g).all() for g in gradients.values())
                assert found >= 0 or REFERENCES[canonical(name)].term is not None


@pytest.mark.parametrize("name", [name for name in ALL if accepts(name, "class_weight")])
class TestClassWeight:
    @pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
    @pytest.mark.parametrize("scheme", WEIGHTS)
    @pytest.mark.parametrize("kind", LABELS)
    def test_value(self, build, name, scheme, reduction, kind):
        given, weights = WEIGHTS[scheme]
        loss = build(name, class_weight=given, reduction=reduction)
        found = value(loss, inputs(), labels(LABELS[kind]))
        wanted = expected(name, LABELS[kind], weights=weights, reduction=reduction)
        assert float(found) == pytest.approx(wanted, rel=1e-9)

    def test_an_unknown_scheme_is_answered_with_the_nearest(self, build, name):
        with pytest.raises(ConfigError, match=rf"^{canonical(name)}: .*'inverz' \(did you mean 'inverse'\?\)"):
            build(name, class_weight="inverz")


REJECTED = [
    ("num_class_list", ["auto", [], [1.5, 2, 3, 4], [-1, 1, 1, 1], [0, 0, 0, 0], 5, "no/such/list.txt"]),
    ("reduction", ["sum", 1, None]),
    ("label_smoothing", [-0.1, 1, 1.5, "0.1", None, True]),
    ("allow_empty_classes", [1, "yes"]),
    ("class_weight", [3, [1, 2], [1, 2, 3, -1], [0, 0, 0, 0], [1, 1, 1, "1"], {"effective_number": {"beta": 1}}]),
]


def rejected(name):
    """``(parameter, value)`` that a loss must refuse: of the base class, and of its own."""
    common = [(parameter, wrong) for parameter, wrong in REJECTED if accepts(name, parameter)]
    return [
        (parameter, w) for parameter, wrong in [*common, *REFERENCES[canonical(name)].rejected.items()] for w in wrong
    ]


@pytest.mark.parametrize(
    "name, parameter, wrong",
    [(name, parameter, wrong) for name in ALL for parameter, wrong in rejected(name)],
)
def test_wrong_parameters(build, name, parameter, wrong):
    with pytest.raises(ConfigError, match=rf"^{canonical(name)}: `{parameter}[^`]*` must be .+, got .+"):
        build(name, **{parameter: wrong})


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_is_tried(name):
    # `lambda_` is Python's name of `lambda`.
    known = known_keys.parameters(LOSSES[name]).names.keys() - {"lambda_"}
    assert {parameter for parameter, _ in rejected(name)} == known


def test_the_snippet_of_the_document(ppcls):
    snippet = "- CostSensitiveCE: {gamma: 1, num_class_list: [4400, 1520, 560, 1680], weight: 1}"
    loss = ppcls.module("loss").build_loss(yaml.safe_load(snippet))
    weights = reference.class_weights("cs_ce", [4400, 1520, 560, 1680], gamma=1)
    result = loss(inputs(), labels(HARD))
    assert list(result) == ["CS_CELoss", "loss"]
    for found in result.values():
        wanted = reference.loss("CostSensitiveCE", LOGITS, HARD, weights=weights, reduction="weighted_mean")
        assert float(found.reshape([])) == pytest.approx(wanted, rel=1e-9)


def test_several_losses_in_one_sum(ppcls):
    names = sorted({canonical(name) for name in ALL} - {"CELoss"})
    shares = {each: 0.5 + 0.25 * index for index, each in enumerate(names)}
    entries = [{n: {"num_class_list": COUNTS, **PARAMS[n], "weight": shares[n]}} for n in names]
    entries.append({"CELoss": {"weight": 1.0}})
    result = ppcls.module("loss").build_loss(entries)(inputs(), labels(HARD))
    wanted = {LOSSES[n].result_key: shares[n] * expected(n, HARD) for n in names}
    wanted["CELoss"] = reference.loss("CostSensitiveCE", LOGITS, HARD, reduction="mean")
    wanted["loss"] = sum(wanted.values())
    assert {key: float(found.reshape([])) for key, found in result.items()} == pytest.approx(wanted, rel=1e-9)


def test_logits_are_asked_for(build):
    with pytest.raises(ConfigError, match="^FocalLoss: `x` must be a tensor or a dict with `logits`, got .*features"):
        build("FocalLoss")({"features": paddle.ones([6, 5])}, labels(HARD))


def test_the_defaults_are_those_of_the_authors_runs():
    ib = {"alpha": 1000, "epsilon": 1e-3}
    stated = {"CostSensitiveCE": {"gamma": 1}, "LDAMLoss": {"max_m": 0.5, "s": 30}, "IBLoss": ib, "IBFocalLoss": ib}
    for name, wanted in stated.items():
        parameters = inspect.signature(LOSSES[name]).parameters
        assert {parameter: parameters[parameter].default for parameter in wanted} == wanted


@pytest.mark.parametrize("label", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", ALL)
def test_a_second_gradient_of_a_forward_is_the_first_or_an_error(name, smoothing, label, build):
    """As of logging gradients, or of GradNorm; those that are computed in place have it once."""
    if smoothing and not accepts(name, "label_smoothing"):
        pytest.skip("it does not smooth")
    loss = build(name, **({"label_smoothing": smoothing} if smoothing else {}))
    given = inputs()
    result = sum(loss(given, labels(label)).values())
    (first,) = paddle.grad(result, given["logits"], retain_graph=True)
    kept = first.numpy().copy()
    try:
        result.backward()
    except (OSError, RuntimeError) as error:  # which of them depends on Paddle
        assert "call the loss again" in str(error)
    else:
        np.testing.assert_allclose(given["logits"].grad.numpy(), kept, rtol=1e-5, atol=1e-7)


def test_smoothing_before_class_weights_lets_a_rare_class_win(build):
    """99 classes of 1000 images and one of 1: an image of class 0, smoothed before the weights, and by the loss."""
    counts, classes, e = [1000] * 99 + [1], 100, 0.1
    weights = 1 / np.array(counts)
    smoothed = np.full(classes, e / classes)
    smoothed[0] += 1 - e
    before = smoothed * weights / (smoothed * weights).sum()
    assert before[[0, 99]].round(4).tolist() == [0.4507, 0.5003]
    for params, label, wanted in (
        ({}, paddle.to_tensor(smoothed[None]), before),
        ({"label_smoothing": e}, paddle.to_tensor([0]), smoothed),
    ):
        loss = build("CostSensitiveCE", num_class_list=counts, gamma=1.0, **params)
        x = inputs(logits=np.log(wanted)[None], features=np.ones([1, 1]))
        _, gradients = value_and_gradients(loss, x, label)
        np.testing.assert_allclose(gradients["logits"], 0, atol=1e-8)  # the loss is least there


@pytest.mark.parametrize("name", [name for name in ALL if name not in WITH_FEATURES])
def test_a_bare_tensor_of_logits(build, name):
    x = inputs()
    assert float(value(build(name), x["logits"], labels(HARD))) == float(value(build(name), x, labels(HARD)))


@pytest.mark.parametrize("name", ["FocalLoss", *WITH_FEATURES])
def test_counts_may_be_left_out(build, name):
    loss = build(name, num_class_list=None)
    found = value(loss, inputs(), labels(HARD))
    assert float(found) == pytest.approx(expected(name, HARD, weights=None), rel=1e-9)
    with pytest.raises(ConfigError, match=rf"^{canonical(name)}: `class_weight` must be .*`num_class_list`"):
        build(name, num_class_list=None, class_weight="inverse")


def test_counts_from_a_label_list(build, tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("".join(f"{c}/{i}.png {c}\n" for c, n in enumerate(COUNTS) for i in range(n)))
    assert build("LDAMLoss", num_class_list=str(path)).counts.tolist() == COUNTS


def test_ldam_behind_a_normalised_classifier_takes_scaled_logits(build):
    loss = build("LDAMLoss")
    alone = value(loss, inputs(), labels(HARD))
    loss.take_scaled_logits()
    scaled = value(loss, inputs(logits=PARAMS["LDAMLoss"]["s"] * LOGITS), labels(HARD))
    assert float(scaled) == pytest.approx(float(alone), rel=1e-12)


@pytest.mark.parametrize("name", WITH_FEATURES)
class TestFeatures:
    @pytest.mark.parametrize("x", [{"logits": paddle.zeros([6, CLASSES])}, paddle.zeros([6, CLASSES])])
    def test_training_without_features_is_an_error(self, build, name, x):
        with pytest.raises(ConfigError, match=rf"^{canonical(name)}: `x` must be a dict with `features`"):
            build(name)(x, labels(HARD))

    @pytest.mark.parametrize("features", [None, np.ones([1, 5]), np.ones([7, 5]), np.ones([6])])
    def test_features_of_other_images_are_an_error(self, build, name, features):
        x = {**inputs(), "features": None if features is None else paddle.to_tensor(features)}
        with pytest.raises(ConfigError, match=rf"^{canonical(name)}: `features` must be .+, got .+"):
            build(name)(x, labels(HARD))

    def test_evaluates_as_its_cross_entropy_and_says_so_once(self, build, name):
        loss = build(name)
        loss.eval()
        logger, records = logging.getLogger("ppcls.lt"), []
        handler = logging.Handler()
        handler.emit = records.append
        logger.addHandler(handler)
        try:
            found = [float(value(loss, {"logits": inputs()["logits"]}, labels(HARD))) for _ in range(2)]
        finally:
            logger.removeHandler(handler)
        plain = {"IBLoss": ("CostSensitiveCE", {}), "IBFocalLoss": ("FocalLoss", {"gamma": 1.5, "scale": 1.0})}
        other, params = plain[canonical(name)]
        wanted = reference.loss(other, LOGITS, HARD, weights=WEIGHTS["inverse"][1], reduction="mean", **params)
        assert found == pytest.approx([wanted] * 2, rel=1e-9)
        assert len(records) == 1 and canonical(name) in records[0].getMessage()
