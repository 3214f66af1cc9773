"""``Arch.classifier: etf``: class vectors that are a simplex, stay one, and leave an ordinary model."""

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.engine import trainer
from ppcls_lt.maths.simplex import fix_classifier, is_simplex, simplex

from . import engines

CE = {"CELoss": {"weight": 1.0}}


@pytest.mark.parametrize("features, classes", [(1, 2), (4, 5), (64, 10), (100, 100), (300, 90)])
def test_all_angles_are_equal(features, classes):
    found = simplex(classes, np.random.default_rng(0).normal(size=(features, classes - 1)))
    cosines = np.full((classes, classes), -1 / (classes - 1))
    np.fill_diagonal(cosines, 1)
    np.testing.assert_allclose(found.T @ found, cosines, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)
    assert is_simplex(found.astype("float32")) and not is_simplex(found * 1.001)
    # As a training at AMP level O2 leaves it; drawn anew, the features would face another one.
    assert is_simplex(found.astype("float16").astype("float32"))


def test_a_layer():
    paddle.seed(1)
    layer, plain = nn.Linear(7, 8), nn.Linear(7, 8, bias_attr=False)
    fix_classifier(layer)
    fix_classifier(plain)
    assert is_simplex(layer.weight.numpy()) and is_simplex(plain.weight.numpy())
    assert not layer.bias.numpy().any() and layer.weight.stop_gradient and layer.bias.stop_gradient
    assert (layer.weight.numpy() != plain.weight.numpy()).any()
    before = layer.weight.numpy()
    fix_classifier(layer)
    np.testing.assert_array_equal(layer.weight.numpy(), before)
    with pytest.raises(ConfigError, match="^Arch: `classifier` must be .* got etf with 7 features and 9 classes"):
        fix_classifier(nn.Linear(7, 9))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    lines = (folder / "train.txt").read_text().splitlines()
    (folder / "train.txt").write_text("\n".join(lines[:60]) + "\n")
    (folder / "test.txt").write_text("\n".join((folder / "test.txt").read_text().splitlines()[::10]) + "\n")
    return folder


@pytest.mark.slow
def test_trained_saved_started_from_and_evaluated(data, tmp_path):
    """With and without the key, which only a training reads; start weights of another classifier do not stay."""

    def settings(output, **options):
        found = engines.packaged("ce", data, tmp_path / output, epochs=1, eval_during_train=True, **options)
        engines.write_yaml(found, tmp_path / f"{output}.yaml")
        return tmp_path / f"{output}.yaml"

    def run(mode, output, *overrides, **options):
        with paddle.utils.unique_name.guard():
            return trainer.run_engine(mode, settings(output, **options), overrides)

    plain = run("train", "plain")
    assert not is_simplex(plain.model.fc.weight.numpy())
    start = str(engines.saved(tmp_path / "plain"))
    fixed = run("train", "etf", "Arch.classifier=etf", pretrained_model=start)
    weights = paddle.load(f"{engines.saved(tmp_path / 'etf')}.pdparams", return_numpy=True)
    assert list(weights) == list(plain.model.state_dict())
    assert is_simplex(weights["fc.weight"]) and not weights["fc.bias"].any()
    np.testing.assert_array_equal(fixed.model.fc.weight.numpy(), weights["fc.weight"])
    end = str(engines.saved(tmp_path / "etf"))
    again = run("train", "again", "Arch.classifier=etf", pretrained_model=end)
    np.testing.assert_array_equal(again.model.fc.weight.numpy(), weights["fc.weight"])
    views = [run("eval", f"eval_{more}", *more, pretrained_model=end) for more in ((), ("Arch.classifier=etf",))]
    assert views[0].evaluate() == views[1].evaluate()
    run("export", "exported", f"Global.save_inference_dir={tmp_path / 'inference'}", pretrained_model=end)
    assert list((tmp_path / "inference").glob("inference.*"))


def test_mistakes(data, tmp_path):
    settings = engines.digits_config(data, tmp_path, losses=[CE])
    settings["Arch"]["classifier"] = "eft"
    with pytest.raises(ConfigError, match="Arch: `classifier` must be one of normalized, etf"):
        engines.build_engine(settings)
    settings = engines.digits_config(data, tmp_path, losses=[engines.listed("LDAMLoss")], normalized=False)
    settings["Arch"]["classifier"] = "etf"
    with pytest.raises(ConfigError, match="LDAMLoss: `s` > 1 .* on `Arch.classifier: etf`, .*leave out `etf`"):
        engines.build_engine(settings)


@pytest.mark.parametrize("name", ["FreezeLayers", "ResetClassifier", "TauNormalize", "MaxNormPGD", "L2NormPGD"])
def test_a_later_stage_that_would_change_it_is_told_before_any_training(name, data, tmp_path):
    settings = engines.digits_config(data, tmp_path, losses=[CE])
    settings["Arch"]["classifier"] = "etf"
    settings["Stages"] = [{}, {"Global": {"epochs": 1}, "Callbacks": [{name: None}]}]
    with pytest.raises(ConfigError, match=f"{name}: `Arch.classifier` must be null in this stage.* got etf"):
        engines.build_engine(settings)
    settings["Stages"][1]["Arch"] = {"classifier": None}
    engines.build_engine(settings)
