"""LoRA and AdaptFormer: what they compute, what is trained and saved, and every command on such a run."""

import copy
import csv
import json
import os
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppcls_lt import host
from ppcls_lt.commands import main as cli
from ppcls_lt.configuration import adapters
from ppcls_lt.engine import adapting, trainer
from ppcls_lt.maths import adapted, lora
from ppcls_lt.maths.adaptformer import Adapter
from ppcls_lt.runs import history

from . import adapter_runs, engines
from .test_resume import assert_same


def adapted_model(kind, name="DeiT_tiny_patch16_224", **more):
    """A model as it was, on images, and the same with adapters: ``(model, images, logits)``."""
    trainer.register()
    paddle.seed(5)
    model = getattr(host.module("arch.backbone"), name)(class_num=6, img_size=adapter_runs.SIZE)
    model.eval()
    images = paddle.randn([2, 3, adapter_runs.SIZE, adapter_runs.SIZE])
    before = model(images)
    arch = {"name": name, "class_num": 6, **adapter_runs.KINDS[kind], **more}
    adapting.adapt(model, {"Arch": arch, "Global": {}})
    return model, images, before


def stir(model):
    """Give what is zero at first other values."""
    for name, parameter in model.named_parameters():
        if name in adapted.of(model).learned:
            parameter.set_value(0.1 * paddle.randn(parameter.shape))


@pytest.mark.parametrize("kind", adapter_runs.KINDS)
def test_at_first_they_change_nothing_and_alone_are_trained(kind):
    model, images, before = adapted_model(kind)
    assert (model(images) == before).all()
    model.train()
    model(images).square().sum().backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert trained == {*adapted.of(model).learned, "head.weight", "head.bias"}
    per_block = {"lora": 2, "adaptformer": 6}[kind]
    assert len(adapted.of(model).learned) == 12 * per_block
    stir(model)
    model.eval()
    changed = model(images)
    assert not np.allclose(changed.numpy(), before.numpy(), atol=1e-2)
    assert lora.fold(model) == (12 if kind == "lora" else 0)
    np.testing.assert_allclose(model(images).numpy(), changed.numpy(), atol=1e-5)


def test_lora_updates_queries_and_values_alone():
    model, images, _ = adapted_model("lora")
    stir(model)
    layer = model.blocks[3].attn.qkv
    x = np.random.default_rng(0).normal(size=[5, 192])
    a, b, weight, bias = (each.numpy().astype(float) for each in (layer.lora_A, layer.lora_B, layer.weight, layer.bias))
    expected = x @ weight + bias
    # 4 / 2 is alpha / r; of three parts the first is the queries, the last the values.
    expected[:, :192] += 2 * x @ a[:, :2] @ b[0]
    expected[:, 384:] += 2 * x @ a[:, 2:] @ b[1]
    np.testing.assert_allclose(layer(paddle.to_tensor(x.astype("float32"))).numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layernorm", ["none", "in", "out"])
@pytest.mark.parametrize("scalar", [0.1, None])
def test_the_adapter_is_the_papers(scalar, layernorm):
    paddle.seed(1)
    adapter = Adapter(7, ffn_num=3, scalar=scalar, layernorm=layernorm, dropout=0.0)
    state = {}
    for name, parameter in adapter.named_parameters():
        parameter.set_value(paddle.randn(parameter.shape))
        state[name] = parameter.numpy().astype(float)
    x = np.random.default_rng(0).normal(size=[4, 7])

    def normalised(values):
        centred = values - values.mean(axis=1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        return unit * state["adapter_layer_norm_before.weight"] + state["adapter_layer_norm_before.bias"]

    entered = normalised(x) if layernorm == "in" else x
    down = np.maximum(entered @ state["down_proj.weight"] + state["down_proj.bias"], 0)
    up = (down @ state["up_proj.weight"] + state["up_proj.bias"]) * state.get("scale", scalar)
    expected = normalised(up) if layernorm == "out" else up
    found = adapter(paddle.to_tensor(x.astype("float32"))).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_adapter_is_given_what_enters_the_norm():
    model, images, _ = adapted_model("adaptformer")
    stir(model)
    block = model.blocks[0]
    x = paddle.randn([2, 5, 192])
    middle = x + block.attn(block.norm1(x))
    expected = middle + block.adaptmlp(middle)
    hook = next(iter(block.mlp._forward_post_hooks.values()))
    assert hook.__self__ is block.adaptmlp
    without = block.mlp.fc2(block.mlp.act(block.mlp.fc1(block.norm2(middle))))
    block.adaptmlp._residual.clear()
    np.testing.assert_allclose(block(x).numpy(), (expected + without).numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_of_a_small_vit_less_than_three_hundredths_are_saved(tmp_path):
    """Both kinds together, with the authors' values."""
    model, _, _ = adapted_model("lora", "ViT_small_patch16_224", lora={}, adaptformer={})
    state, fixed = model.state_dict(), adapted.of(model).fixed
    paddle.save({key: state[key] for key in state if key not in fixed}, str(tmp_path / "small.pdparams"))
    assert (tmp_path / "small.pdparams").stat().st_size < 0.03 * sum(tensor.size * 4 for tensor in state.values())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the digits and stored weights, and in it one training for each kind of adapter."""
    folder = tmp_path_factory.mktemp("adapters")
    here = os.getcwd()
    os.chdir(folder)
    data = engines.write_digits(folder / "digits")
    trainer.register()
    adapter_runs.write_base("base")
    more = {"save_interval": 1, "eval_during_train": True}
    settings = adapter_runs.settings(data, "lora", "base", "lora", **more)
    settings["Callbacks"] = [{"EMA": {"decay": 0.5}}]
    settings["AMP"] = {"scale_loss": 128.0, "use_dynamic_loss_scaling": True, "level": "O1"}
    adapter_runs.write(settings, Path("lora.yaml"))
    settings = adapter_runs.settings(data, "adaptformer", "base", "adaptformer", **more)
    settings["Callbacks"] = [{"SAM": {"rho": 0.01}}]
    settings["Stages"] = [{}, {"Global": {"epochs": 3}, "Callbacks": [{"FreezeLayers": {}}]}]
    adapter_runs.write(settings, Path("adaptformer.yaml"))
    for kind in adapter_runs.KINDS:
        assert cli.main(["train", "-c", f"{kind}.yaml"]) == 0
    yield folder
    os.chdir(here)


LAST = {"lora": "lora", "adaptformer": "adaptformer/stage_2"}


@pytest.mark.parametrize("kind", adapter_runs.KINDS)
def test_a_checkpoint_holds_what_is_learned_and_says_beside_what(kind, place):
    path = engines.saved(LAST[kind])
    weights = paddle.load(f"{path}.pdparams", return_numpy=True)
    base = paddle.load("base.pdparams", return_numpy=True)
    assert set(base) & set(weights) == {"head.weight", "head.bias"}
    manifest = json.loads(Path(f"{path}.manifest.json").read_text())
    assert manifest["adapters"]["base"] == str(place / "base")
    sizes = [path.with_name(f"{path.name}{ending}").stat().st_size for ending in (".pdparams", ".pdopt", ".pdlt")]
    assert max(sizes) < 0.2 * Path("base.pdparams").stat().st_size  # of so tiny a model
    if kind == "adaptformer":  # its second stage trains the classifier alone
        first = paddle.load(f"{engines.saved('adaptformer/stage_1')}.pdparams", return_numpy=True)
        for key in first:
            assert (first[key] == weights[key]).all() == (not key.startswith("head")), key


@pytest.mark.parametrize("folder", ["lora", "adaptformer/stage_1"])
def test_a_few_steps_reduce_the_loss(folder, place):
    """Of the training images, evaluated after each epoch of two steps."""
    (path,) = Path(folder).glob("**/metrics.jsonl")
    losses = [sum(record["loss"].values()) for record in history.read(path)]
    assert len(losses) == 3 and losses[-1] < 0.99 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", adapter_runs.KINDS)
def test_the_exported_model_gives_the_evaluated_ones_probabilities(kind, place, capsys):
    options = [f"Global.run={kind}", f"Global.output_dir=eval_{kind}"]
    engine = trainer.run_engine("eval", f"{kind}.yaml", options)
    engine.model.eval()
    images = next(iter(engine.eval_loader))[0]
    with paddle.no_grad():
        expected = paddle.nn.functional.softmax(engine.model(images)).numpy()
    given = [f"Global.save_inference_dir=exported_{kind}", f"Infer.transforms.1.ResizeImage.size={images.shape[-1]}"]
    # Which tries what is exported as a service would, too.
    assert cli.main(["export", "--run", kind, "--serving", *(part for each in given for part in ("-o", each))]) == 0
    np.save("images.npy", images.numpy())
    done = engines.run([Path(__file__).parent / "predict.py", f"exported_{kind}", "."], cwd=place)
    assert done.returncode == 0, done.stdout
    np.testing.assert_allclose(np.load("probabilities.npy"), expected, atol=1e-5)
    assert cli.main(["predict", "--run", kind, "digits/few.txt", "--image-root", "digits", "--csv", f"{kind}.csv"]) == 0
    rows = list(csv.DictReader(Path(f"{kind}.csv").read_text(encoding="utf-8-sig").splitlines()))[: len(expected)]
    found = [[float(row[f"p {label}"]) for label in range(10)] for row in rows]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_updates_of_weights_that_the_checkpoint_holds_are_exported(place):
    """The host reads it once more, which put them back to what they were without."""
    settings = adapter_runs.settings(place / "digits", "saved", "base", "lora", eval_during_train=False)
    settings["Arch"]["lora"].update(modules_to_save=["blocks.*"], lora_alpha=64)
    adapter_runs.write(settings, Path("saved.yaml"))
    assert cli.main(["train", "-c", "saved.yaml"]) == 0
    engine = trainer.run_engine("eval", "saved.yaml", ["Global.run=saved", "Global.output_dir=eval_saved"])
    engine.model.eval()
    images = next(iter(engine.eval_loader))[0]
    with paddle.no_grad():
        expected = paddle.nn.functional.softmax(engine.model(images)).numpy()
    assert cli.main(["export", "--run", "saved", "-o", "Global.save_inference_dir=exported_saved"]) == 0
    np.save("images.npy", images.numpy())
    done = engines.run([Path(__file__).parent / "predict.py", "exported_saved", "."], cwd=place)
    assert done.returncode == 0, done.stdout
    np.testing.assert_allclose(np.load("probabilities.npy"), expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", adapter_runs.KINDS)
def test_a_resumed_training_ends_as_one_that_never_stopped(kind, place):
    begun = {"lora": "lora", "adaptformer": "adaptformer/stage_1"}[kind]
    checkpoint = engines.saved(begun, "epoch_1")
    options = ["-o", f"Global.checkpoints={checkpoint}", "-o", f"Global.output_dir=again_{kind}"]
    assert cli.main(["train", "-c", f"{kind}.yaml", *options]) == 0
    one, other = engines.saved(LAST[kind]), engines.saved(LAST[kind].replace(kind, f"again_{kind}"))
    for ending in ("pdparams", "pdopt"):
        assert_same(*(paddle.load(f"{path}.{ending}", return_numpy=True) for path in (one, other)))


def test_weights_that_lie_elsewhere_are_named(place, capsys):
    """They are looked for where they lay; others are refused, the same from another place are taken."""
    Path("base.pdparams").rename("moved.pdparams")
    command = ["eval", "--run", "lora", "-o", "Global.output_dir=elsewhere"]
    try:
        capsys.readouterr()
        assert cli.main(command) == 2
        assert "whose pretrained weights" in capsys.readouterr().err
        assert cli.main([*command, "-o", "Arch.pretrained=moved"]) == 0
        adapter_runs.write_base("base", classes=9)
        weights = paddle.load("base.pdparams")
        weights["pos_embed"] = weights["pos_embed"] + 1
        paddle.save(weights, "base.pdparams")
        capsys.readouterr()
        assert cli.main(command) == 2
        assert "has changed since its training" in capsys.readouterr().err
    finally:
        Path("moved.pdparams").rename("base.pdparams")


@pytest.mark.parametrize(
    "options, told",
    [
        (
            ["Global.pretrained_model=None"],
            "Global: `pretrained_model` must name pretrained weights, which `Arch.lora`",
        ),
        (["Arch.lora.rank=4"], "unknown key 'rank'"),
        (["Arch.lora.r=0"], "Arch.lora: `r` must be an integer >= 1, got 0"),
        (["Arch.lora=4"], "Arch.lora"),
        (["Arch.adaptformer.ffn_adapter_scalar=learn"], "ffn_adapter_scalar"),
        (["AMP.level=O2"], "AMP: `level` must be O1 with `Arch.lora`"),
        (["Arch.pretrained=LATEST"], "must name whole weights"),
        (["Arch.lora.target_modules=['qkw']"], "names of Linear layers, got 'qkw', which matches none"),
        (["Arch.img_size=48"], "`Arch.lora.modules_to_save: [pos_embed]`"),
        (
            ["Arch.lora=None", "Global.pretrained_model=LATEST"],
            "take `Arch.lora` or `Arch.adaptformer` of its training",
        ),
        (["Arch.name=ResNet18", "Arch.img_size=None"], "an architecture whose attention has Linear layers"),
    ],
)
def test_mistakes_are_told_before_the_training(options, told, place, capsys):
    latest = str(engines.saved("lora"))
    arguments = [part for option in options for part in ("-o", option.replace("LATEST", latest))]
    capsys.readouterr()
    assert cli.main(["train", "-c", "lora.yaml", "-o", "Global.output_dir=mistaken", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not list(Path(".").glob("mistaken/**/*.pdparams"))


def test_what_the_pretrained_weights_lack_is_saved_and_the_rest_downloaded_again(place, capsys):
    """Of a download without ``cls_token``, for images of another size; ``pos_embed`` is trained, and a norm."""
    weights = paddle.load("base.pdparams")
    del weights["cls_token"]
    paddle.save(weights, "downloaded.pdparams")
    settings = adapter_runs.settings(place / "digits", "download", None, "lora")
    settings["Global"].update(pretrained_model=None, epochs=1)
    settings["Arch"].update(pretrained=True, img_size=48)
    settings["Arch"]["lora"]["modules_to_save"] = ["pos_embed", "norm"]
    for part in ("Train", "Eval"):
        settings["DataLoader"][part]["dataset"]["transform_ops"][1]["ResizeImage"]["size"] = 48
    adapter_runs.write(settings, Path("download.yaml"))
    assert cli.main(["train", "-c", "download.yaml"]) == 0
    path = engines.saved("download")
    saved = paddle.load(f"{path}.pdparams", return_numpy=True)
    assert {key for key in saved if "lora" not in key and "head" not in key} == {
        *("cls_token", "pos_embed", "norm.weight", "norm.bias")
    }
    record = json.loads(Path(f"{path}.manifest.json").read_text())["adapters"]
    assert record["own"] == ["cls_token"] and record["base"] is None
    assert cli.main(["eval", "--run", "download", "-o", "Global.output_dir=of_download"]) == 0
    adapter_runs.write_base("downloaded", seed=4)
    capsys.readouterr()
    assert cli.main(["eval", "--run", "download", "-o", "Global.output_dir=of_download"]) == 2
    assert "others than those that the adapters of" in capsys.readouterr().err


def test_what_would_not_be_saved_is_refused(place, capsys):
    """Pretrained weights that a callback changes, and a stage without the adapters that it would begin from."""
    settings = adapter_runs.settings(place / "digits", "refused", "base", "lora")
    settings["Callbacks"] = [{"tests.small_vit.Spoil": None}]
    adapter_runs.write(settings, Path("refused.yaml"))
    assert cli.main(["train", "-c", "refused.yaml"]) == 2
    assert "with adapters they must leave the pretrained weights as they are" in capsys.readouterr().err
    settings["Callbacks"], settings["Stages"] = [], [{}, {"Arch": {"lora": None}}]
    adapter_runs.write(settings, Path("refused.yaml"))
    assert cli.main(["train", "-c", "refused.yaml", "-o", "Global.overwrite=True"]) == 2
    assert "got none after a stage with lora, whose weights hold those alone" in capsys.readouterr().err


def test_another_model_than_the_trained_one_is_refused(place, capsys):
    command = ["eval", "--run", "lora", "-o", "Arch.lora.lora_alpha=8", "-o", "Global.output_dir=other"]
    assert cli.main(command) == 2
    assert "was trained with Arch.lora.lora_alpha 4, here 8" in capsys.readouterr().err


@pytest.mark.parametrize("kind", adapter_runs.KINDS)
def test_a_copy_of_the_model_has_adapters_of_its_own(kind):
    model, images, before = adapted_model(kind)
    copied = copy.deepcopy(model)
    stir(model)
    assert (copied(images) == before).all()
    assert adapted.of(copied).learned == adapted.of(model).learned


def test_auto_is_the_rule_of_lift():
    assert [adapters.width("auto", classes, 12) for classes in (10, 100, 365, 1000, 8142)] == [1, 4, 8, 32, 256]
    assert adapters.width(6, 1000, 12) == 6


def test_the_blocks_of_the_rule_are_those_of_the_model_whatever_layers_are_named():
    names = [f"blocks.{k}.{part}" for k in range(12) for part in ("attn.qkv", "mlp.fc1", "mlp.0")]
    assert {adapting._block(name) for name in names} == {f"blocks.{k}" for k in range(12)}
    stages = [f"layers.{k}.blocks.{n}.attn.qkv" for k in range(2) for n in range(6)]
    assert len({adapting._block(name) for name in stages}) == 12
    assert adapting._block("encoder.attn.q_proj") == "encoder.attn" and adapting._block("head") == ""


@pytest.mark.slow
def test_two_processes_train_as_one(place):
    settings = adapter_runs.settings(place / "digits", "one", "base", None, recipe="lift")
    adapter_runs.write(settings, Path("one.yaml"))
    assert cli.main(["train", "-c", "one.yaml"]) == 0
    script = engines.ROOT / "scripts" / "train.py"
    options = ["Global.output_dir=two", "DataLoader.Train.sampler.batch_size=8"]
    done = engines.together(
        script, "-c", "one.yaml", *[part for option in options for part in ("-o", option)], cwd=place
    )
    assert done.returncode == 0, done.stdout
    one, two = (paddle.load(f"{engines.saved(name)}.pdparams", return_numpy=True) for name in ("one", "two"))
    assert one.keys() == two.keys()
    for key in one:
        np.testing.assert_allclose(one[key], two[key], atol=1e-5, err_msg=key)
