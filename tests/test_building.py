"""What PaddleClas cannot build is named, and mixed precision that is switched off stays off."""

import logging
from pathlib import Path

import pytest

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError

from . import engines


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def settings(data, output, losses=({"CELoss": {"weight": 1.0}},)):
    return engines.digits_config(data, output, losses=list(losses))


@pytest.mark.parametrize(
    "entry, message",
    [
        ({"NormalizeImage": {"mean": "abc"}}, r"transform_ops\[3\] NormalizeImage: must have parameters that it takes"),
        (
            {"RandFlipImage": {"flip_code": 7}},
            r"transform_ops\[3\] RandFlipImage: .*: 7}: AssertionErr",
        ),
    ],
)
def test_an_operator_that_cannot_be_built_is_named(entry, message, data, tmp_path):
    config = settings(data, tmp_path)
    config["DataLoader"]["Train"]["dataset"]["transform_ops"].append(entry)
    with pytest.raises(ConfigError, match=r"^DataLoader\.Train\.dataset\." + message):
        engines.build_engine(config)


def test_a_loss_that_cannot_be_built_is_named(data, tmp_path):
    config = settings(data, tmp_path, [{"CELoss": {"weight": 1.0}}, {"TripletLossV2": {"weight": 1.0, "margin": "x"}}])
    config["Loss"]["Train"][1] = {"MultiLabelLoss": {"weight": 1.0, "epsilon": "x"}}
    with pytest.raises(ConfigError, match=r"^Loss\[1\] MultiLabelLoss: must have parameters that it takes, got .*'x'"):
        engines.build_engine(config)


@pytest.mark.parametrize("epsilon", ["x", 1, 2.0, -0.1, True])
def test_smoothing_that_paddleclas_would_leave_out_is_an_error(epsilon, data, tmp_path):
    config = settings(data, tmp_path, [{"CELoss": {"weight": 1.0, "epsilon": epsilon}}])
    with pytest.raises(ConfigError, match=r"^Loss\.Train\[0\] CELoss: `epsilon` must be a finite number >= 0 and < 1"):
        engines.build_engine(config)


@pytest.mark.parametrize("wanted", [False, True])
def test_mixed_precision_is_what_use_amp_says(wanted, data, tmp_path, caplog):
    config = settings(data, tmp_path)
    # As develop's files have it; 2.4 and 2.5 take the section itself for yes.
    config["AMP"] = {"use_amp": wanted, "scale_loss": 128.0, "use_dynamic_loss_scaling": True, "level": "O1"}
    with caplog.at_level(logging.INFO, "ppcls.lt"):
        engine = engines.build_engine(config)
    # develop has the switch inside its context.
    used = getattr(engine, "amp", None)
    assert (engine.auto_cast.use_amp if used is None else used) == wanted
    told = "AMP: `use_amp` is false, so the section is left out" in caplog.text
    assert told == (not wanted and not host.reads_use_amp())


def test_what_no_component_explains_comes_up_with_the_section_that_was_built(
    data, tmp_path, caplog, monkeypatch, ppcls
):
    monkeypatch.setattr(ppcls.module("arch"), "AlexNet", _fails)
    config = settings(data, tmp_path)
    config["Arch"] = type(config)(name="AlexNet", class_num=10)
    with pytest.raises(TypeError) as failure:
        engines.build_engine(config)
    assert not isinstance(failure.value, ConfigError)
    assert "building `Arch` of the configuration failed; what failed in it is said below" in caplog.text


def _fails(**params):
    raise TypeError("a fault that no parameter explains")


def _arch(config):
    config["Arch"] = type(config)(name="MobileNetV3_small_x0_35", class_num=10, class_expand="wide")


def _sampler(config):
    sampler = {"name": "PKSampler", "batch_size": 400, "sample_per_id": 2, "drop_last": False}
    config["DataLoader"]["Train"]["sampler"] = type(config)(sampler)


def _dataset(config):
    root = config["DataLoader"]["Train"]["dataset"]["image_root"]
    listing = Path(root) / "one_column.txt"
    listing.write_text("train/0/0.png\n")
    config["DataLoader"]["Train"]["dataset"] = type(config)(
        name="VeriWild", image_root=root, cls_label_path=str(listing)
    )


def _operators(config):
    entry = {"OpSampler": {"MixupOperator": {"alpha": 0.2, "prob": 0.8}, "CutmixOperator": {"alpha": 1, "prob": 0.8}}}
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [entry]


def _parameter(config):
    entry = {"MixupOperator": {"alpha": "x"}}
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [entry]


def _deprecated(config):
    config["Loss"]["Train"] = [{"MixCELoss": {"weight": 1.0}}]


@pytest.mark.parametrize(
    "change, message",
    [
        (
            _arch,
            r"^Arch MobileNetV3_small_x0_35: cannot be built from what it is given: .* \(ppcls/arch/backbone/.*, line ",
        ),
        (_sampler, r"^DataLoader\.Train\.sampler PKSampler: .*AssertionError: batch size .* \(ppcls/data/dataloader/"),
        (
            _dataset,
            r"^DataLoader\.Train\.dataset VeriWild: cannot be built .*IndexError: .* \(ppcls/data/dataloader/veh",
        ),
        (
            _operators,
            r"^DataLoader\.Train\.dataset\.batch_transform_ops\[0\] OpSampler: must .*'prob': 0.8.*total prob",
        ),
        (_parameter, r"^DataLoader\.Train\.dataset\.batch_transform_ops\[0\] MixupOperator: .*got {'alpha': 'x'}: "),
        (_deprecated, r"^Loss\[0\] MixCELoss: .*DeprecationWarning"),
    ],
    ids=["arch", "sampler", "dataset", "operators", "parameter", "deprecated"],
)
def test_what_paddleclas_refuses_by_an_assertion_is_named(change, message, data, tmp_path):
    config = settings(data, tmp_path)
    change(config)
    with pytest.raises(ConfigError, match=message) as failure:
        engines.build_engine(config)
    assert "missing 1 required" not in str(failure.value)


def test_a_part_of_a_retrieval_is_named_where_it_stands(data, tmp_path):
    config = settings(data, tmp_path)
    _dataset(config)
    part = {**config["DataLoader"]["Eval"], "dataset": config["DataLoader"]["Train"].pop("dataset")}
    config["DataLoader"]["Eval"] = type(config)(Query=type(config)(part), Gallery=type(config)(part))
    config["Global"].update(eval_mode="retrieval", pretrained_model=None, untrained=True)
    config["Metric"] = type(config)(Eval=[{"Recallk": {"topk": [1]}}])
    with pytest.raises(ConfigError, match=r"^DataLoader\.Eval\.(Query|Gallery)\.dataset VeriWild: cannot be built"):
        engines.build_engine(config, "eval")
