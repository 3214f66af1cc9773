"""One view of the host's Engine: no other module of this package reads or sets anything of it."""

import ast
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import paddle
import pytest

import ppcls_lt
from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.engine import saving, trainer
from ppcls_lt.host import patched
from ppcls_lt.runs import marks

from . import engines

CE = {"CELoss": {"weight": 1.0}}
ALLOWED = {f"ppcls_lt.host.{name}" for name in ("engine", "fresh_batches", "steps", "uniform_output")}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to work in, which holds the digits."""
    folder = tmp_path_factory.mktemp("view")
    engines.write_digits(folder / "digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def config(place):
    """Callbacks that act on steps and on the loss, a loss and metrics in the evaluation, a stage of no epochs."""
    settings = engines.packaged("ce", place / "digits", "out", epochs=2, eval_during_train=True)
    settings["Loss"]["Train"] = [engines.listed("IBLoss")]
    settings["Loss"]["Eval"] = [CE]
    settings["Metric"]["Eval"].append({"PerClassAcc": None})
    settings["Callbacks"] = [{"LossSchedule": {"before": [CE], "start": 2}}, {"MaxNormPGD": {}}]
    settings["Stages"] = [{}, {"Global": {"epochs": 0}, "Callbacks": []}, {"Global": {"epochs": 1}, "Callbacks": []}]
    engines.write_yaml(settings, place / "config.yaml")
    return place / "config.yaml"


@pytest.fixture(scope="module")
def accesses(ppcls):
    """``(module of this package, attribute, is it set)`` of whatever asks an Engine of the host."""
    found = set()
    engine = host.module("engine.engine").Engine

    def noted(original, is_set):
        def access(self, name, *value):
            module = sys._getframe(1).f_globals["__name__"]
            if module.startswith("ppcls_lt."):
                found.add((module, name, is_set))
            return original(self, name, *value)

        return access

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "__getattribute__", noted(object.__getattribute__, False))
        patch.setattr(engine, "__setattr__", noted(object.__setattr__, True))
        yield found


@pytest.fixture(scope="module")
def output(config, accesses):
    """What a training in three stages leaves that was asked to go on when it had ended."""
    trainer.run_engine("train", config)
    trainer.run_engine("train", config, ["Global.resume=True"])
    return Path("out")


@pytest.mark.slow
def test_an_engine_is_read_and_changed_in_one_place(config, output, accesses):
    """From the start of a training to its end, in going on, evaluating, exporting and predicting."""
    last = f"Global.pretrained_model={engines.saved(output / 'stage_3')}"
    trainer.run_engine("eval", config, [last])
    trainer.run_engine("export", config, [last, "Global.save_inference_dir=exported"])
    trainer.run_engine("infer", config, [last, f"Infer.infer_imgs={next(Path('digits').rglob('*.png'))}"])
    assert {module for module, *_ in accesses} - ALLOWED == set()
    own = {name for name in patched.ENGINE if "." not in name}
    changed = {name for _, name, is_set in accesses if is_set}
    assert {"train_epoch_func", "train_loss_func", "eval", "eval_loss_func", "export"} <= changed <= own


def test_a_read_elsewhere_is_noted(config, accesses):
    settings = host.load_config(config, ["Global.untrained=True", "Global.output_dir=untrained"])
    planted = {"__name__": "ppcls_lt.engine.planted", "engine": engines.build_engine(settings, "eval")}
    eval("getattr(engine, 'model')", planted)
    noted = {access for access in accesses if access[0] not in ALLOWED}
    accesses -= noted
    assert noted == {("ppcls_lt.engine.planted", "model", False)}


def test_no_other_module_gets_hold_of_an_engine():
    """What no training runs: none makes one, and none looks for the one in the view."""
    folder = Path(ppcls_lt.__file__).parent
    for path in folder.rglob("*.py"):
        if path.relative_to(folder).parts[0] != "host":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                used = getattr(node, "attr", None) or getattr(node, "value", None)
                assert used not in ("Engine", "_EngineView__engine", "long_tail"), f"{path}:{node.lineno}"


def test_what_is_patched_is_listed(ppcls):
    listed = (Path(__file__).parent.parent / "docs" / "versions.md").read_text(encoding="utf-8")
    assert [name for name in (*patched.FUNCTIONS, *patched.ENGINE) if f"`{name}`" not in listed] == []
    with pytest.raises(LookupError, match="engine.engine.Engine.eval is not among"):
        host.extend("engine.engine", "Engine.eval", print)
    with pytest.raises(LookupError, match="utils.save_load.load_dygraph_pretrain is not among"):
        host.functions("utils.save_load", load_dygraph_pretrain=print).__enter__()


def test_loading_a_checkpoint_gives_its_state_and_starts_nothing(output):
    calls, path = [], str(engines.saved(output / "stage_1"))
    # It has nothing that could begin.
    rest = {"hidden_keys": [], "order": host.samplers.Order(None), "config": {}}
    run = SimpleNamespace(names=["LossSchedule", "MaxNormPGD"], **rest)
    loaded = saving.load(run, lambda: calls.append("read"), path)
    assert calls == ["read"] and loaded.path == path
    assert loaded.state["epoch"] == loaded.metric_info["epoch"] == 2
    assert loaded.metric_info["metric"] == loaded.state["best"]["best_model"] > 0
    with pytest.raises(ConfigError, match="Callbacks: must be those"):
        saving.load(SimpleNamespace(names=[], **rest), calls.clear, path)
    assert calls == ["read"]


def test_a_run_does_not_begin_with_a_checkpoint_that_does_not_fill_its_model(config, output):
    """Of one saved without this package the weights alone can tell."""
    path = engines.saved(output / "stage_1")
    for ending in ("pdopt", "pdstates"):
        shutil.copy(f"{path}.{ending}", f"torn.{ending}")
    weights = paddle.load(f"{path}.pdparams")
    paddle.save({name: value for name, value in weights.items() if name != "fc.bias"}, "torn.pdparams")
    with pytest.raises(ConfigError, match="`checkpoints` must hold every parameter .*fc.bias"):
        engine = engines.build_engine(
            host.load_config(config, ["Global.checkpoints=torn", "Global.output_dir=elsewhere"])
        )
        engine.train()
    assert Path("elsewhere/stage_1").is_dir() and marks.marked("elsewhere/stage_1", "CIFARResNet8") is None
