"""The ways to start: commands, several processes, a checkout's own scripts, export."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppcls_lt import host
from ppcls_lt.configuration import reading as config

from . import engines

pytestmark = pytest.mark.slow

CHECKOUT = os.environ.get("PADDLECLAS_ROOT")
needs_checkout = pytest.mark.skipif(
    not CHECKOUT, reason="needs a source checkout of PaddleClas: set PADDLECLAS_ROOT to its folder"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with the data where the packaged configs look for them."""
    folder = tmp_path_factory.mktemp("work")
    engines.write_digits(folder / "data" / "digits")
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """One epoch of LDAM by ``ppcls-lt train``; the weights' path without its ending."""
    result = command("train", "digits/ldam.yaml", "Global.epochs=1", "Global.output_dir=out", cwd=folder)
    assert result.returncode == 0, result.stdout
    return engines.saved(folder / "out")


def command(mode, name, *overrides, cwd):
    """Run ``ppcls-lt MODE -c NAME -o ...``."""
    flags = [part for override in overrides for part in ("-o", override)]
    return engines.run(["-m", "ppcls_lt", mode, "-c", name, *flags], cwd=cwd)


def test_train_then_eval(trained, folder):
    result = command("eval", "digits/ldam.yaml", f"Global.pretrained_model={trained}", cwd=folder)
    assert result.returncode == 0, result.stdout
    last = result.stdout.strip().splitlines()[-1]
    assert "[Eval]" in last and "top1" in last and "few" in last


def test_infer(trained, folder):
    result = command(
        "infer",
        "digits/ldam.yaml",
        f"Global.pretrained_model={trained}",
        cwd=folder,
    )
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("class_ids") == 50


@pytest.mark.parametrize("name", ["ce", "ldam"])
def test_exported_model_gives_the_trained_models_probabilities(name, folder):
    import paddle

    out = folder / f"export_{name}"
    assert (
        command("train", f"digits/{name}.yaml", "Global.epochs=1", f"Global.output_dir={out}", cwd=folder).returncode
        == 0
    )
    weights = engines.saved(out)
    result = command(
        "export",
        f"digits/{name}.yaml",
        f"Global.pretrained_model={weights}",
        f"Global.save_inference_dir={out}",
        cwd=folder,
    )
    assert result.returncode == 0, result.stdout

    settings = engines.digits_config(
        folder / "data" / "digits",
        out,
        losses=[engines.listed("LDAMLoss") if name == "ldam" else {"CELoss": {"weight": 1.0}}],
    )
    settings["Global"]["pretrained_model"] = str(weights)
    engine = engines.build_engine(settings, mode="eval")
    engine.model.eval()
    with paddle.no_grad():
        batches = [
            (batch[0].numpy(), paddle.nn.functional.softmax(engine.model(batch[0])).numpy())
            for batch in engine.eval_dataloader
        ]
    images, expected = (np.concatenate(parts) for parts in zip(*batches))
    assert len(images) == 500
    np.save(folder / "images.npy", images)
    # As a deployment would: a process of its own that knows Paddle Inference alone.
    result = engines.run([Path(__file__).parent / "predict.py", out, folder], cwd=folder)
    assert result.returncode == 0, result.stdout
    np.testing.assert_allclose(np.load(folder / "probabilities.npy"), expected, atol=1e-5)


@pytest.mark.parametrize("name, start", [("ldam", engines.launch), ("ib", engines.together)], ids=["ldam", "ib"])
def test_trains_and_evaluates_in_two_processes(name, start, folder):
    out = folder / f"two_{name}"
    result = start(
        engines.ROOT / "scripts" / "train.py",
        *("-c", f"digits/{name}.yaml", "-o", "Global.epochs=2", "-o", f"Global.output_dir={out}"),
        *("-o", "Global.eval_during_train=True"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stdout
    assert "[Eval][Epoch 2]" in result.stdout
    assert list(out.rglob("latest.pdparams"))


@pytest.mark.one_paddle
@pytest.mark.parametrize(
    "path",  # those of the benchmarks: test_benchmark_configs.py
    sorted(
        path for name in ("digits", "fashion_mnist_lt") for path in (engines.ROOT / "configs" / name).glob("*.yaml")
    ),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_every_packaged_config_is_complete(path, folder, tmp_path, monkeypatch):
    """Found by its short name from any folder, valid, and built by the host without a change."""
    from ppcls_lt.data import demo as demo_data

    monkeypatch.chdir(folder)
    relative = path.relative_to(engines.ROOT / "configs")
    assert config.find(str(relative)).read_text() == path.read_text()
    if relative.parts[0] == "fashion_mnist_lt" and not Path("data/fashion_mnist_lt").exists():
        # The images do not matter for building: digits under the other name do.
        demo_data.write_digits("data/fashion_mnist_lt", ratio=15)
    host.load()
    settings = host.load_config(path, [f"Global.output_dir={tmp_path}"])
    settings.profiler_options = None
    engine = engines.build_engine(settings)
    assert len(engine.train_dataloader) > 0


@pytest.mark.one_paddle
def test_run_without_a_script_ends_with_status_2(tmp_path):
    result = engines.run(["-m", "ppcls_lt", "run", "nowhere/train.py", "-c", "x.yaml"], cwd=tmp_path)
    assert result.returncode == 2
    assert "ppcls-lt run: `script` must be a file" in result.stdout


@needs_checkout
def test_run_takes_the_scripts_own_checkout_first(folder):
    out = folder / "checkout"
    result = engines.run(
        ["-m", "ppcls_lt", "run", f"{CHECKOUT}/tools/train.py", "-c", "digits/ldam.yaml"]
        + ["-o", "Global.epochs=2", "-o", f"Global.output_dir={out}", "-o", "Global.eval_during_train=True"],
        cwd=folder,
    )
    assert result.returncode == 0, result.stdout
    assert "LDAMLoss" in result.stdout and "[Eval][Epoch 2]" in result.stdout
    assert list(out.rglob("latest.pdparams"))


@needs_checkout
@pytest.mark.parametrize("name", ["cs_ce", "focal", "ib", "ib_focal"])
def test_every_loss_trains_with_the_checkout(name, folder):
    result = engines.run(
        ["-m", "ppcls_lt", "train", "-c", f"digits/{name}.yaml"]
        + ["-o", "Global.epochs=2", "-o", f"Global.output_dir={folder / name}"],
        cwd=folder,
        python_path=[CHECKOUT],
    )
    assert result.returncode == 0, result.stdout
    assert "[Train][Epoch 2/2][Avg]" in result.stdout


@needs_checkout
def test_the_checkout_trains_in_two_processes(folder):
    out = folder / "checkout_two"
    result = engines.launch(
        engines.ROOT / "scripts" / "train.py",
        *("-c", "digits/ib.yaml", "-o", "Global.epochs=2", "-o", f"Global.output_dir={out}"),
        *("-o", "Global.eval_during_train=True"),
        cwd=folder,
        python_path=[CHECKOUT],
    )
    assert result.returncode == 0, result.stdout
    assert "[Eval][Epoch 2]" in result.stdout


BROKEN = """
import multiprocessing, sys
import ppcls_lt
from ppcls_lt import host
from ppcls_lt.configuration import reading
ppcls_lt.register()
what, workers, batch = sys.argv[1:]
flags = [f"DataLoader.Train.loader.num_workers={workers}", f"DataLoader.Train.sampler.batch_size={batch}"]
settings = host.load_config(reading.find("digits/ce.yaml"), ["Global.epochs=2", *flags])
settings.profiler_options = None
engine = host.module("engine.engine").Engine(settings)
owner, name = (type(engine.train_dataloader.dataset), "__getitem__") if what == "dataset" else (engine.model, "forward")
original = getattr(owner, name)
def broken(*arguments):
    if what == "model" or arguments[1] == 100:
        raise OSError("the disk is gone")
    return original(*arguments)
setattr(owner, name, broken)
try:
    engine.train()
finally:
    print("workers left:", len(multiprocessing.active_children()))
"""


def breaks(folder, what="dataset", workers=0, batch=64, python_path=()):
    """A training ends, with its workers, whatever fails; left alone, the process of some of these never does."""
    script = folder / "broken.py"
    script.write_text(BROKEN)
    result = engines.run([script, what, str(workers), str(batch)], cwd=folder, python_path=python_path)
    assert result.returncode not in (0, None)
    assert "the disk is gone" in result.stdout
    assert "workers left: 0" in result.stdout
    assert "[Epoch 1/2][Avg]" not in result.stdout


# In one batch of all images one of two workers has nothing to do.
@pytest.mark.parametrize("workers, batch", [(0, 64), (2, 64), (2, 2000)])
@pytest.mark.parametrize("what", ["dataset", "model"])
def test_an_error_ends_the_training(folder, what, workers, batch):
    breaks(folder, what, workers, batch)


@needs_checkout
def test_a_loaders_error_ends_the_training_with_the_checkout(folder):
    """develop answers any exception of the loader by starting over."""
    breaks(folder, python_path=[CHECKOUT])


@pytest.mark.skipif(
    paddle.is_compiled_with_cuda() and not paddle.device.cuda.device_count(),
    reason="the profiler of a GPU build of Paddle ends the process where there is no GPU",
)
def test_profiler_options(folder):
    flags = ["-p", "batch_range=[1,2];profile_path=profile.json", "-o", "Global.epochs=1"]
    result = engines.run(["-m", "ppcls_lt", "train", "-c", "digits/ce.yaml", *flags], cwd=folder)
    assert result.returncode == 0, result.stdout
    assert (folder / "profile.json").stat().st_size > 0


@pytest.mark.one_paddle
def test_the_wheel_carries_configs_and_metadata(tmp_path):
    """``pip install .`` asks for NumPy and PyYAML alone and brings every module and the configs along."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(engines.ROOT / name, source)
    for name in ("ppcls_lt", "configs"):
        shutil.copytree(engines.ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = ["-m", "pip", "install", "--no-deps", "--no-build-isolation", "--quiet", "--target", tmp_path / "site", "."]
    result = engines.run(pip, cwd=source)
    assert result.returncode == 0, result.stdout
    site = tmp_path / "site"
    found = sorted(str(path.relative_to(site / "ppcls_lt/configs")) for path in site.rglob("configs/*/*.yaml"))
    kept = sorted(str(path.relative_to(engines.ROOT / "configs")) for path in engines.ROOT.glob("configs/*/*.yaml"))
    assert found == kept
    modules = {path.relative_to(engines.ROOT) for path in engines.ROOT.glob("ppcls_lt/**/*.py")}
    assert {path.relative_to(site) for path in site.glob("ppcls_lt/**/*.py")} == modules
    templates = {path.relative_to(engines.ROOT) for path in engines.ROOT.glob("ppcls_lt/**/*.html.j2")}
    assert {path.relative_to(site) for path in site.glob("ppcls_lt/**/*.html.j2")} == templates != set()
    (metadata,) = site.glob("*.dist-info/METADATA")
    required = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist")]
    plain = [line.split(": ")[1] for line in required if "extra ==" not in line]
    assert sorted(plain) == ["numpy", "pyyaml"]
    assert {
        *("audit", "benchmark", "cpu", "gpu", "mutations", "notebook", "ray", "report", "site", "slurm", "test", "tune")
    } == {line.split(": ")[1] for line in metadata.read_text().splitlines() if line.startswith("Provides-Extra")}
    where = (
        "import json, ppcls_lt, ppcls_lt.configuration.reading as c\n"
        "print(json.dumps([ppcls_lt.__file__, str(c.find('digits/ce.yaml'))]))"
    )
    result = engines.run(["-c", where], cwd=tmp_path, python_path=[site])
    package, config_file = json.loads(result.stdout.strip().splitlines()[-1])
    assert Path(package).parent == site / "ppcls_lt"
    assert Path(config_file) == site / "ppcls_lt" / "configs" / "digits" / "ce.yaml"


@pytest.mark.one_paddle
def test_the_quick_start_prints_its_table(tmp_path):
    result = engines.run([engines.ROOT / "scripts" / "quickstart.py", "--epochs", 3], cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["overall", "325"] in [row[:2] for row in rows]
    for group in ("many-shot", "medium-shot", "few-shot"):
        assert group in [row[0] for row in rows if row]
    assert len([row for row in rows if row[:1] == ["class"]]) == 10


@pytest.mark.one_paddle
def test_the_quick_start_says_how_to_get_fashion_mnist(tmp_path):
    script = engines.ROOT / "scripts" / "quickstart.py"
    result = engines.run([script, "--data", "fashion-mnist", "--source", tmp_path], cwd=tmp_path)
    assert result.returncode == 2
    assert "apt-get install dataset-fashion-mnist" in result.stdout


@needs_checkout
def test_auto_counts_follow_the_hosts_relabel(folder):
    """The option ``relabel`` of newer checkouts renumbers the labels while the data set is built."""
    listing = folder / "relabelled.txt"
    lines = [line.split(" ") for line in (folder / "data/digits/train.txt").read_text().splitlines()]
    listing.write_text("".join(f"{image} {10 * int(label) + 3}\n" for image, label in lines))
    script = folder / "relabel.py"
    script.write_text(
        "import sys\n"
        "import ppcls_lt\n"
        "from ppcls_lt import host\n"
        "from ppcls_lt.configuration import reading\n"
        "ppcls_lt.register()\n"
        "settings = host.load_config(reading.find('digits/cs_ce.yaml'), [])\n"
        "settings.profiler_options = None\n"
        "settings['DataLoader']['Train']['dataset'].update(cls_label_path=sys.argv[1], relabel=True)\n"
        "engine = host.module('engine.engine').Engine(settings)\n"
        "print('counts', sorted(engine.train_loss_func.loss_func[0].counts.tolist()))\n"
    )
    result = engines.run([script, listing], cwd=folder, python_path=[CHECKOUT])
    assert result.returncode == 0, result.stdout
    assert "counts [6, 8, 10, 14, 19, 27, 36, 49, 66, 90]" in result.stdout
