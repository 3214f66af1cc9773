"""``Global.plugins``: a user's own module in every command and process, and every mistake in it."""

import json
import os
import re
import sys

import pytest
import yaml

import ppcls_lt
from ppcls_lt import host
from ppcls_lt.basis import modules, registry
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands.main import main
from ppcls_lt.configuration import plugins
from ppcls_lt.configuration.reading import find
from ppcls_lt.runs import history

from . import engines

PAGE = (engines.ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
COMPONENTS = ("RootWeightedCE", "HarmonicMeanAcc", "RepeatFactorSampler")
# Both commands in one process, which is as long as importing Paddle takes.
TWO_COMMANDS = "from ppcls_lt.commands.main import main; import sys; sys.exit(main({}) or main({}))"


def block(language, number=0):
    """A listing of the page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)[number]


def write_project(folder):
    """The page's module and its configuration, on the digits, in a folder of their own; return the latter's path."""
    project = folder / "my_project"
    project.mkdir()
    (project / "my_parts.py").write_text(block("python"), encoding="utf-8")
    config = engines.packaged("ce", folder / "digits", "out", epochs=1, eval_during_train=True)
    changes = yaml.safe_load(block("yaml"))
    config["Global"].update(changes["Global"], save_inference_dir=str(folder / "exported"))
    config["Loss"]["Train"] = changes["Loss"]["Train"]
    config["DataLoader"]["Train"]["sampler"] = changes["DataLoader"]["Train"]["sampler"]
    config["Metric"]["Eval"] = changes["Metric"]["Eval"]
    engines.write_yaml(config, project / "my_config.yaml")
    return project / "my_config.yaml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the project and a training of it in two processes, begun there."""
    folder = tmp_path_factory.mktemp("plugins")
    engines.write_digits(folder / "digits")
    config = write_project(folder)
    script = engines.ROOT / "scripts" / "train.py"
    done = engines.together(script, "-c", config.relative_to(folder), cwd=folder)
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


@pytest.mark.slow
class TestEverywhere:
    def test_two_processes_train_with_all_three(self, trained):
        folder, log = trained
        assert re.search(r"\[Train\]\[Epoch 1/1\]\[Avg\]RootWeightedCE: \d", log)
        assert re.search(r"\[Eval\]\[Epoch 1\]\[Avg\].*HarmonicMeanAcc: \d", log)
        assert f"registers loss {COMPONENTS[0]}, metric {COMPONENTS[1]}, sampler {COMPONENTS[2]}" in log
        (info,) = folder.rglob("run_info.json")
        info = json.loads(info.read_text())
        assert info["processes"] == 2
        assert info["plugins"] == {"my_parts": str(folder / "my_project" / "my_parts.py")}

    def test_its_run_is_evaluated_and_exported_from_elsewhere(self, trained, tmp_path):
        folder, _ = trained
        run = ["--run", str(folder / "out")]
        code = TWO_COMMANDS.format(["eval", *run], ["export", *run])
        done = engines.run(["-c", code], cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        (path,) = folder.rglob("metrics.jsonl")
        score = history.read(path)[-1]["values"]["HarmonicMeanAcc"]
        assert f"HarmonicMeanAcc: {score:.5f}" in done.stdout.split("[Avg]")[-1]
        assert list((folder / "exported").glob("inference.pdiparams"))

    def test_compare_trains_them_in_processes_of_its_own(self, trained):
        folder, _ = trained
        arguments = ["-c", "my_project/my_config.yaml", "--recipes", "base", "--out", "compared", "--adjust", "none"]
        done = engines.run(["-m", "ppcls_lt", "compare", *arguments], cwd=folder)
        assert done.returncode == 0, done.stdout
        run = folder / "compared" / "runs" / "base" / "seed_0"
        assert (run / "result.json").is_file()
        assert "RootWeightedCE" in (run / "log.txt").read_text()

    @pytest.mark.skipif("PADDLECLAS_ROOT" not in os.environ, reason="needs a source checkout of PaddleClas")
    def test_a_checkouts_own_script(self, trained):
        folder, _ = trained
        script = os.path.join(os.environ["PADDLECLAS_ROOT"], "tools", "train.py")
        arguments = ["-c", "my_project/my_config.yaml", "-o", "Global.output_dir=stock"]
        done = engines.run(["-m", "ppcls_lt", "run", script, *arguments], cwd=folder)
        assert done.returncode == 0, done.stdout
        assert "[Avg]RootWeightedCE" in done.stdout


LOSS = """
from ppcls_lt.losses import LongTailLoss
from ppcls_lt.registry import register

@register("loss")
class {0}(LongTailLoss):
    result_key = "{0}"
"""
IMPORTED = "Global: `plugins` must be modules that can be imported, got "
OWN_NAMES = "Global: `plugins` must be modules with names of their own, got "


@pytest.fixture
def config(ppcls, tmp_path, monkeypatch):
    """Return a function that reads a configuration with these files beside it, as PaddleClas's own scripts do."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, known = registry.state(), set(sys.modules)
    names = {kind: dict(ppcls.names(kind)) for kind in ("loss", "dataset")}

    def read(*overrides, beside=None, elsewhere=None, **section):
        for folder, files in ((tmp_path / "beside", beside), (tmp_path / "started", elsewhere)):
            folder.mkdir(exist_ok=True)
            for name, text in (files or {}).items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(text)
        path = tmp_path / "beside" / "config.yaml"
        path.write_text(yaml.safe_dump({"Global": {"output_dir": "out", **section}, "Arch": {"name": "CIFARResNet8"}}))
        monkeypatch.chdir(tmp_path / "started")
        return ppcls.load_config(path, list(overrides))

    yield read
    registry.restore(before)
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    for kind, found in names.items():
        live = ppcls.names(kind)
        for name in set(live) - set(found):
            del live[name]


class TestPlaces:
    def test_beside_the_yaml_comes_before_where_it_was_started(self, config, tmp_path):
        files = {"beside": {"one_a.py": LOSS.format("A")}, "elsewhere": {"one_a.py": LOSS.format("B")}}
        found = config(plugins=["one_a"], **files)["Global"]
        assert "A" in host.names("loss") and "B" not in host.names("loss")
        assert found["plugins_from"] == str(tmp_path / "beside")

    def test_where_it_was_started(self, config):
        found = config(plugins="one_b", elsewhere={"one_b.py": LOSS.format("B")})["Global"]
        assert "B" in host.names("loss") and found["plugins"] == ["one_b"] and "plugins_from" not in found

    @pytest.mark.parametrize("given", ["one_c", "[one_c, two_c]", "['one_c', 'two_c']"])
    def test_named_by_o(self, config, given):
        files = {"one_c.py": LOSS.format("C"), "two_c.py": LOSS.format("D")}
        found = config(f"Global.plugins={given}", beside=files)["Global"]["plugins"]
        assert found == ["one_c", "two_c"][: len(found)] and "C" in host.names("loss")
        assert ("D" in host.names("loss")) == ("two_c" in given)

    def test_in_a_folder_that_is_named_and_in_a_package(self, config, tmp_path):
        (tmp_path / "far").mkdir()
        files = {"far_pack/__init__.py": "", "far_pack/parts.py": "from .deep import E\n"}
        for name, text in {**files, "far_pack/deep.py": LOSS.format("E")}.items():
            (tmp_path / "far" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "far" / name).write_text(text)
        found = config(plugins=["far_pack.parts"], plugins_from=str(tmp_path / "far"))["Global"]
        assert "E" in host.names("loss") and found["plugins_from"] == str(tmp_path / "far")

    def test_a_neighbour_is_found_and_nothing_else_is_hidden(self, config):
        import yaml as installed

        files = {"one_f.py": "import helper_f\n", "helper_f.py": LOSS.format("F"), "yaml.py": "broken("}
        config(plugins=["one_f"], beside=files)
        assert "F" in host.names("loss") and sys.modules["yaml"] is installed

    def test_installed(self, config):
        assert config(plugins=["ppcls_lt.testing"])["Global"]["plugins"] == ["ppcls_lt.testing"]

    def test_none(self, config):
        assert "plugins_from" not in config(plugins=[])["Global"]
        assert config(plugins=None)["Global"]["plugins"] is None

    def test_of_a_configuration_made_in_python(self, config, tmp_path):
        read = config(elsewhere={"one_g.py": LOSS.format("G")})
        read["Global"]["plugins"] = ["one_g"]
        with pytest.raises(ConfigError, match="print_batch_step"):  # which comes later
            engines.build_engine(read)
        assert "G" in host.names("loss")

    def test_by_register(self, config):
        config(elsewhere={"one_h.py": LOSS.format("H")})
        ppcls_lt.register(plugins=["one_h"])
        assert "H" in host.names("loss")


DATA = """
import numpy as np
import paddle
from ppcls.data import ImageNetDataset
from ppcls_lt.registry import register

@register("dataset")
class Blobs(paddle.io.Dataset):
    def __init__(self, sizes):
        self.labels = np.repeat(np.arange(len(sizes)), sizes).tolist()

    def __getitem__(self, index):
        image = np.full([3, 16, 16], self.labels[index], "float32")
        return image, self.labels[index]

    def __len__(self):
        return len(self.labels)

@register("dataset")
class MoreImages(ImageNetDataset):
    pass

@register("sampler")
class EachOnce(paddle.io.BatchSampler):
    def __init__(self, dataset, *, batch_size, less=0):
        super().__init__(paddle.io.Subset(dataset, range(len(dataset) - less)), batch_size=batch_size)
"""


class TestDataSets:
    @pytest.fixture
    def settings(self, config, tmp_path):
        """The packaged configuration with a data set of one's own, and other sections changed."""
        config(plugins=["own_data"], beside={"own_data.py": DATA})

        def changed(train, test, **sampler):
            result = host.load_config(find("digits/ce.yaml"), [])
            result["Global"].update(output_dir=str(tmp_path / "out"), epochs=1, eval_during_train=True, untrained=True)
            result["Arch"]["class_num"] = 3
            for part, dataset in (("Train", train), ("Eval", test)):
                result["DataLoader"][part]["dataset"] = host.attributed(dataset)
            result["DataLoader"]["Train"]["sampler"] = {"name": "WeightBalancedSampler", "batch_size": 8}
            result["DataLoader"]["Eval"]["sampler"] = {"name": "EachOnce", "batch_size": 16, **sampler}
            result["profiler_options"] = None
            return result

        return changed

    BLOBS = {"name": "Blobs", "sizes": [40, 12, 4]}

    def test_one_of_its_own_is_counted_sampled_and_evaluated(self, settings):
        engine = engines.build_engine(settings(self.BLOBS, {"name": "Blobs", "sizes": [9, 9, 9]}))
        engine.train()
        metric = engine.eval_metric_func.metric_func_list[1]
        assert metric.counts.tolist() == [40, 12, 4]
        assert len(engine.train_dataloader) == 7
        assert isinstance(engine.eval(0), float)

    def test_a_sampler_that_leaves_images_out_is_no_evaluation(self, settings):
        with pytest.raises(ConfigError, match="DataLoader.Eval.sampler: `name` must be Dist.* got 'EachOnce'"):
            engines.build_engine(settings(self.BLOBS, self.BLOBS, less=1), "eval")

    @pytest.mark.parametrize(
        "dataset, said",
        [
            ({"name": "Blobs", "size": [1]}, "DataLoader.Train.dataset Blobs: unknown parameter 'size' .did you mean"),
            ({"name": "Blob", "sizes": [1]}, "DataLoader.Train.dataset: unknown data set 'Blob' .did you mean 'Blobs'"),
            ({"name": "Blobs"}, "DataLoader.Train.dataset Blobs: `sizes` must be given"),
            (
                {"name": "MoreImages", "image_root": ".", "cls_label_path": "list.txt"},
                "must be a list of labels from 0 to 2 .list.txt., got label 7 in line 2",
            ),
        ],
        ids=["parameter", "name", "missing", "list"],
    )
    def test_what_is_wrong_with_one(self, settings, dataset, said, tmp_path):
        (tmp_path / "started" / "list.txt").write_text("a.jpg 0\nb.jpg 7\n")
        with pytest.raises(ConfigError) as error:
            engines.build_engine(settings(dataset, self.BLOBS))
        assert re.search(said, str(error.value)), str(error.value)


class TestMistakes:
    @pytest.mark.parametrize(
        "text, said",
        [
            ("import os\n\nx = nowhere\n", "bad, which fails in {0}, line 3: NameError: name 'nowhere' is not defined"),
            ("x = 1\ndef f(:\n", "bad, which fails in {0}, line 2: SyntaxError: invalid syntax"),
            ("import sys\nsys.exit(0)\n", "bad, which fails in {0}, line 2: SystemExit: 0"),
            ("import no_such_thing\n", "bad, which fails in {0}, line 1: ModuleNotFoundError: No module named 'no_su"),
            (LOSS.format("FocalLoss"), ": ValueError: loss 'FocalLoss' is registered already, by ppcls_lt.loss"),
            (LOSS.format("CELoss"), "no name of PaddleClas's own, got bad, which registers the loss CELoss; give it"),
            (
                LOSS.replace('"loss"', '"los"').format("Z"),
                "ValueError: unknown kind 'los' (known: loss, ",
            ),
            (
                LOSS.replace("(LongTailLoss)", "").format("Z"),
                "every loss is a subclass of ppcls_lt.losses.LongTailLoss",
            ),
        ],
        ids=["raises", "syntax", "exits", "imports", "twice", "paddleclas's", "kind", "base"],
    )
    def test_in_a_module(self, config, tmp_path, text, said):
        good = {"good.py": LOSS.format("Good")}
        with pytest.raises(ConfigError) as error:
            config(plugins=["good", "bad"], beside={**good, "bad.py": LOSS.format("Kept") + text})
        message = str(error.value)
        path = str(tmp_path / "beside" / "bad.py")
        shift = LOSS.count("\n")
        said = re.sub(r"line (\d+)", lambda found: f"line {int(found[1]) + shift}", said).format(path)
        assert message.startswith("Global: `plugins` must be modules") and said in message and "\n" not in message
        # Nothing of it stays: mended, it is read anew.
        assert "Kept" not in registry.registered("loss") and "Kept" not in host.names("loss")
        config(plugins=["good", "bad"], beside={"bad.py": LOSS.format("Mended")})
        assert {"Good", "Mended"} <= set(host.names("loss"))

    @pytest.mark.parametrize("name, where", [("json", "json"), ("yaml", "yaml"), ("sys", "built into Python")])
    def test_a_name_that_hides_another(self, config, name, where):
        with pytest.raises(ConfigError, match=re.escape(f"{OWN_NAMES}{name} (")) as error:
            config(plugins=[name], beside={f"{name}.py": ""})
        assert re.search(rf"would hide the installed module of that name \(.*{where}\); rename it", str(error.value))

    def test_a_second_module_of_the_name_in_one_process(self, config):
        config(plugins=["one_i"], elsewhere={"one_i.py": LOSS.format("I")})
        with pytest.raises(ConfigError, match=f"{OWN_NAMES}one_i .*beside.* where .*started.* has been imported"):
            config(plugins=["one_i"], beside={"one_i.py": LOSS.format("J")})

    @pytest.mark.parametrize(
        "given, said",
        [
            (
                ["one_k", "on_k"],
                f"{IMPORTED}on_k, sought in .*beside, .*started and on Python's path .did you mean",
            ),
            (
                ["one_k.py"],
                "a list of modules' names, such as my_losses, without folder or ending, got 'one_k.py'",
            ),
            (["beside/one_k"], "without folder or ending, got 'beside/one_k'"),
            ([3], "must be a list of modules' names, such as my_losses, got 3 .int"),
            (True, "must be a list of modules' names, such as my_losses, got True"),
            ({"one_k": 1}, "must be a list of modules' names, such as my_losses, got {'one_k': 1} .dict"),
        ],
    )
    def test_in_the_key(self, config, given, said):
        with pytest.raises(ConfigError, match=said):
            config(plugins=given, beside={"one_k.py": ""})

    def test_in_the_folder(self, config):
        with pytest.raises(ConfigError, match="Global: `plugins_from` must be the path of a folder, got 3 .int"):
            config(plugins=["one_l"], plugins_from=3)

    def test_in_a_recipe(self):
        with pytest.raises(ConfigError, match="`plugins` must be given in the file of `-c` or with `-o`, got .*one_m"):
            plugins.check({}, [{"Global": {"plugins": ["one_m"]}}])

    def test_the_command_says_one_line_and_ends_with_2(self, config, tmp_path, capsys):
        config()
        assert main(["train", "-c", "../beside/config.yaml", "-o", "Global.plugins=one_n"]) == 2
        folders = f"{tmp_path / 'beside'}, {tmp_path / 'started'}"
        line = f"ppcls-lt: error: {IMPORTED}one_n, sought in {folders} and on Python's path\n"
        assert capsys.readouterr().err == line


def test_every_module_of_a_folder_is_imported(tmp_path, monkeypatch):
    """So that a metric of this package is one file."""
    (tmp_path / "found_pack").mkdir()
    for name, text in {"__init__": "", "one": "x = 1"}.items():
        (tmp_path / "found_pack" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    modules.import_all("found_pack", [str(tmp_path / "found_pack")])
    assert sys.modules["found_pack.one"].x == 1
