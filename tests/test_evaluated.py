"""No text of a configuration is run: the host's ``eval`` reads values and looks names up."""

import ast
import importlib
import json
import os
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from ppcls_lt.basis import overrides
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import registered
from ppcls_lt.host import evaluated

from . import engines

CODE = "__import__('os').system('touch gone')"
CHECKOUT = os.environ.get("PADDLECLAS_ROOT")
_NO_VALUE = (SyntaxError, NameError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError)


def host_folders(ppcls):
    return [ppcls.checkout(), *([Path(CHECKOUT)] if CHECKOUT else [])]


def evaluations(folder):
    """Yield ``(file, call)`` of everything below ``ppcls`` that calls ``eval``, or ``exec`` or ``compile``."""
    for file in sorted((folder / "ppcls").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ("eval", "exec", "compile"):
                yield file, node


class TestCovered:
    """Every ``eval`` in the host's sources, those of its lazy modules too, finds ours first."""

    def test_the_host_evaluates_text_in_no_other_way(self, ppcls):
        for folder in host_folders(ppcls):
            found = list(evaluations(folder))
            assert len(found) > 15
            for file, call in found:
                assert call.func.id == "eval" and len(call.args) == 1 and not call.keywords, f"{file}:{call.lineno}"

    def test_no_module_has_another_eval(self, ppcls):
        """A function, variable or argument called ``eval`` would come before ours; methods would not."""
        for folder in host_folders(ppcls):
            for file in {file for file, _ in evaluations(folder)}:
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                    assert not (isinstance(node, ast.Name) and node.id == "eval" and isinstance(node.ctx, ast.Store)), (
                        file
                    )
                    assert not (isinstance(node, ast.alias) and "builtins" in node.name), file
                    assert not (isinstance(node, ast.arg) and node.arg == "eval"), file

    def test_every_module_that_evaluates_has_ours(self, ppcls):
        folder = ppcls.checkout()
        for file in {file for file, _ in evaluations(folder)}:
            parts = file.relative_to(folder).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            try:
                module = importlib.import_module(name)
            except ModuleNotFoundError as error:
                assert "dali" in name and error.name == "nvidia"  # not installed; its loader is tried below
                continue
            assert module.eval is evaluated.read, name

    def test_modules_that_are_imported_later_have_it_from_their_first_line(self, ppcls):
        file = ppcls.checkout() / "ppcls" / "data" / "dataloader" / "dali.py"
        name = "ppcls.data.dataloader.dali"
        assert name not in sys.modules
        (finder,) = (each for each in sys.meta_path if isinstance(each, evaluated._Finder))
        spec = finder.find_spec(name, [str(file.parent)])
        module = importlib.util.module_from_spec(spec)
        with pytest.raises(ModuleNotFoundError, match="nvidia"):
            spec.loader.exec_module(module)
        assert module.eval is evaluated.read
        assert finder.find_spec("json") is None

    def test_builtin_eval_stays_pythons(self, ppcls):
        import builtins

        assert eval("1 + 1") == 2 and builtins.eval is not evaluated.read


@pytest.fixture
def reader(ppcls):
    """``reader(text)`` as a module of the host reads it, which has what stands here."""
    import paddle

    module = types.ModuleType("ppcls.made_up")
    exec("def ask(text):\n    return eval(text)", vars(module))
    own = type("Own", (), {"__module__": "users.code"})
    vars(module).update(eval=evaluated.read, os=os, nn=paddle.nn, paddle=paddle, np=np, Own=own, _own_table={"a": 1})
    vars(module).update(partial=importlib.import_module("functools").partial, TABLE={"b": 2}, _Hidden=own)
    return module.ask


class TestRead:
    def test_values_and_names(self, reader):
        import paddle

        assert reader("1.0/255.0") == 1.0 / 255.0
        assert reader("[0.0, 0.2*2, 1]") == [0.0, 0.4, 1]
        assert reader("Own").__name__ == "Own"
        assert reader("nn.LayerNorm") is paddle.nn.LayerNorm
        assert reader("_own_table") == {"a": 1}

    @pytest.mark.parametrize(
        "text",
        [
            CODE,
            "os",
            "os.system",
            "nn.functional.relu",
            "nn.Nothing",
            "Own.mro",
            "paddle.load",
            "np.load",
            "eval",
            "open",
            "partial",
            "TABLE",
            "_Hidden",
            "__builtins__",
            "Own()",
            "Nothing",
            "",
            3,
        ],
    )
    def test_everything_else_is_refused(self, reader, text, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError, match="read in ppcls.made_up, must be a number, a Python literal or the name"):
            reader(text)
        assert list(tmp_path.iterdir()) == []


NAMES = """
import json
import ppcls_lt
ppcls_lt.register()
from ppcls_lt import host
from ppcls_lt.host import evaluated
found = {}
for kind in ("loss", "arch", "metric", "dataset", "optimizer"):
    namespace = host.names(kind)
    known = evaluated.component_names(namespace)
    found[kind] = {name: namespace[name].__module__.split(".")[0] for name in known}
print(json.dumps(found))
"""


class TestHostComponents:
    """The host's own uses, and what a configuration could smuggle into each."""

    def test_names_of_the_hosts_factories_are_classes_and_functions(self, ppcls, tmp_path):
        # In a process in which no other test has published anything.
        done = engines.run(["-c", NAMES], cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        found = json.loads(done.stdout.splitlines()[-1])
        assert set(found) == {"loss", "arch", "metric", "dataset", "optimizer"}
        for origins in found.values():
            assert not {"eval", "copy", "os", "nn", "importlib", "OrderedDict"} & set(origins)
            assert set(origins.values()) <= {"ppcls", "ppcls_lt", "paddle"} and "ppcls" in origins.values()
        assert {"CELoss", *registered("loss")} <= set(evaluated.component_names(ppcls.names("loss")))
        assert {"ResNet50", "RecModel", *registered("arch")} <= set(evaluated.component_names(ppcls.names("arch")))

    def test_numbers_of_operators(self, ppcls):
        preprocess = ppcls.module("data.preprocess")
        erasing = preprocess.RandomErasing(EPSILON="0.25", sl="0.02", sh="1.0/3.0", r1="0.3")
        assert (erasing.EPSILON, erasing.sl, erasing.sh, erasing.r1[0]) == (0.25, 0.02, 1.0 / 3.0, 0.3)
        assert preprocess.NormalizeImage(scale="1.0/255.0").scale == np.float32(1.0 / 255.0)
        for name in ("EPSILON", "sl", "sh", "r1"):
            with pytest.raises(ConfigError, match="preprocess.ops.random_erasing"):
                preprocess.RandomErasing(**{name: CODE})
        with pytest.raises(ConfigError, match="preprocess.ops.operators"):
            preprocess.NormalizeImage(scale=CODE)

    def test_batch_operators(self, ppcls):
        preprocess = ppcls.module("data.preprocess")
        sampler = preprocess.OpSampler(10, MixupOperator={"alpha": 0.8, "prob": 0.5}, CutmixOperator={"prob": 0.5})
        assert {type(op).__name__ for op in sampler.ops} >= {"MixupOperator", "CutmixOperator"}
        with pytest.raises(ConfigError, match="batch_operators"):
            preprocess.OpSampler(10, **{CODE: {"prob": 0.5}})

    def test_losses_metrics_and_postprocessing(self, ppcls):
        loss, metric = ppcls.module("loss"), ppcls.module("metric")
        assert len(loss.CombinedLoss([{"CELoss": {"weight": 1.0}}, {"FocalLoss": {"weight": 1.0}}]).loss_func) == 2
        assert len(metric.CombinedMetrics([{"TopkAcc": {"topk": [1]}}]).metric_func_list) == 1
        with pytest.raises(ConfigError, match="ppcls.loss, must be"):
            loss.CombinedLoss([{CODE: {"weight": 1.0}}])
        with pytest.raises(ConfigError, match="ppcls.metric, must be"):
            metric.CombinedMetrics([{CODE: None}])
        after = ppcls.module("data.postprocess").DistillationPostProcess
        assert type(after(func="Topk", topk=1).func).__name__ == "Topk"
        with pytest.raises(ConfigError, match="ppcls.data.postprocess, must be"):
            after(func="copy.copy")

    def test_architectures(self, ppcls):
        arch = ppcls.module("arch")
        lcnet = arch.backbone.PPLCNet_x0_25
        assert lcnet(class_num=3, lr_mult_list="[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]").lr_mult_list[1] == 0.2
        with pytest.raises(ConfigError, match="pp_lcnet"):
            lcnet(lr_mult_list=CODE)
        transformer = arch.backbone.model_zoo.vision_transformer.VisionTransformer
        small = {"img_size": 32, "patch_size": 16, "class_num": 3, "embed_dim": 8, "depth": 1, "num_heads": 2}
        assert type(transformer(**small).norm).__name__ == "LayerNorm"
        for wrong in (CODE, "os.system", "paddle.load"):
            with pytest.raises(ConfigError, match="vision_transformer"):
                transformer(**small, norm_layer=wrong)
        model = arch.RecModel(Backbone={"name": "MobileNetV3_small_x0_35", "class_num": 8})
        assert type(model.backbone).__name__ == "MobileNetV3"
        with pytest.raises(ConfigError, match="ppcls.arch, must be"):
            arch.RecModel(Backbone={"name": CODE})
        with pytest.raises(ConfigError, match="ppcls.arch, must be"):
            arch.DistillationModel(models=[{"Student": {"name": CODE}}])

    def test_data(self, ppcls, tmp_path):
        build = ppcls.module("data").build_dataloader
        section = {"dataset": {"name": CODE}, "sampler": {"batch_size": 1}, "loader": {}}
        with pytest.raises(ConfigError, match="ppcls.data, must be"):
            build({"Train": section}, "Train", "cpu", False)

    def test_checkout_alone(self):
        """What only a checkout has, in a process of its own: one host is loaded in each."""
        if not CHECKOUT:
            pytest.skip("PADDLECLAS_ROOT names no checkout of PaddleClas")
        done = engines.run(["-c", IN_A_CHECKOUT, CHECKOUT], cwd=Path(CHECKOUT).parent, python_path=[CHECKOUT])
        assert done.returncode == 0, done.stdout
        assert "built" in done.stdout


IN_A_CHECKOUT = """
import sys
from ppcls_lt.engine import trainer
from ppcls_lt.basis.checks import ConfigError
trainer.register(root=sys.argv[1])
from ppcls_lt import host
assert str(host.checkout()) == sys.argv[1]

def refused(build, **params):
    try:
        build(**params)
    except ConfigError:
        return
    raise SystemExit(f"not refused: {build} {params}")

from ppcls.data import preprocess
jitter = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
CODE = "__import__('os').system('touch gone')"
if hasattr(preprocess, "RandomApply"):
    preprocess.RandomApply(p=0.8, transforms=[{"RawColorJitter": jitter}])
    refused(preprocess.RandomApply, p=0.8, transforms=[{CODE: {}}])
    refused(preprocess.RandomApply, p=0.8, transforms=[{"random.seed": {}}])
from ppcls.arch import backbone
if hasattr(backbone, "PPHGNetV2_B0"):
    backbone.PPHGNetV2_B0(class_num=3)
if hasattr(backbone, "SVTR_tiny"):
    refused(backbone.SVTR_tiny, act=CODE)
    backbone.SVTR_tiny(class_num=3)
if hasattr(backbone, "CLIP_vit_base_patch16_224"):
    from ppcls.arch.backbone.model_zoo.foundation_vit import VisionTransformer
    small = dict(img_size=32, patch_size=16, embed_dim=8, depth=1, num_heads=2, class_num=3)
    VisionTransformer(model_name="CLIP_vit_base_patch16_224", **small)
    refused(VisionTransformer, model_name=CODE, **small)
from ppcls.loss import distillationloss
if hasattr(distillationloss, "DistillationPairLoss"):
    distillationloss.DistillationPairLoss(base_loss_name="CELoss")
    refused(distillationloss.DistillationPairLoss, base_loss_name=CODE)
sys.path.insert(0, sys.argv[1] + "/deploy")
from utils import config  # what PaddleClas's scripts for deployment read -o with
section = {"Global": {"x": 1}}
config.override(section, ["Global", "x"], CODE)
assert section == {"Global": {"x": CODE}}, section
print("built")
"""


@pytest.mark.skipif(not CHECKOUT, reason="PADDLECLAS_ROOT names no checkout of PaddleClas")
def test_every_expression_of_the_stock_files_is_read_as_eval_read_it():
    """Every text of the stock configurations that Python could compute, whichever key it has."""
    texts = set()
    for path in sorted((Path(CHECKOUT) / "ppcls" / "configs").rglob("*.yaml")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"\s*(?:- )?[\w ]+:\s*[\"']?(.*?)[\"']?\s*(?:#.*)?$", line)
            if found and found[1]:
                texts.add(found[1])
    assert {"1.0/255.0", "1.0/3.0"} <= texts
    for text in texts:
        try:
            expected = eval(text, {"__builtins__": {}})
        except _NO_VALUE:
            expected = text
        assert overrides.value(text) == expected, text
