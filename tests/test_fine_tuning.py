"""Fine-tuning pretrained weights: class means, biases alone, learning rates of their own, and the recipes of them."""

import copy
import functools
import http.server
import threading

import numpy as np
import paddle
import pytest
from paddle import nn

from ppcls_lt import host
from ppcls_lt.archs.cifar_resnet import CIFARResNet8
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks import BitFit, ClassMeanClassifier, DiscriminativeLearningRates, FreezeLayers
from ppcls_lt.configuration import model_record, recipes, stages
from ppcls_lt.engine import checklist, trainer
from ppcls_lt.testing.callbacks import check_resumes

from . import engines
from .recipe_records import BASES
from .weight_runs import Network, run_of, started, train, values

COSINE = {"classifier": "normalized", "classifier_scale": 25.0}
LOGIT_ADJUSTED = [{"LogitAdjustedLoss": {"weight": 1.0, "num_class_list": "auto"}}]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    trainer.register()
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """Weights of another number of classes, with statistics that are not those of a new network."""
    paddle.seed(3)
    model = CIFARResNet8(class_num=7)
    for name, value in model.state_dict().items():
        if name.endswith(("_mean", "_variance")):
            value.set_value(value + paddle.uniform(value.shape, min=0.0, max=0.5))
    path = tmp_path_factory.mktemp("weights") / "pretrained"
    paddle.save(model.state_dict(), f"{path}.pdparams")
    return path


@pytest.fixture
def settings(data, pretrained, tmp_path):
    """What gives a configuration of a training that begins at the pretrained weights."""

    def make(recipe=None, **overrides):
        overrides = {"epochs": 10, "pretrained_model": str(pretrained), "seed": 5, **overrides}
        overrides.update({} if recipe is None else {"recipe": recipe})
        return engines.digits_config(data, tmp_path / "out", losses=[{"CELoss": {"weight": 1.0}}], **overrides)

    return make


def features(model, image):
    """What enters the classifier of one image, float64 ``[D]``."""
    caught = []
    hook = model.fc.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    with paddle.no_grad():
        model(paddle.to_tensor(image)[None])
    hook.remove()
    return caught[0].numpy().astype(np.float64)[0]


def begun(folder):
    return paddle.load(f"{engines.saved(folder)}.pdparams")["fc.weight"].numpy()


class TestClassMeans:
    def test_the_classifier_begins_at_the_means_of_all_training_images_without_augmentation(
        self, settings, pretrained, tmp_path
    ):
        config = settings("lift_classifier", epochs=0)
        loaders = copy.deepcopy(config["DataLoader"])
        # What would change every image, were it used.
        config["DataLoader"]["Train"]["dataset"]["transform_ops"].insert(2, {"RandFlipImage": {"flip_code": 0}})
        config["DataLoader"]["Train"]["sampler"].update(batch_size=37, drop_last=True)
        engines.build_engine(config).train()
        model = CIFARResNet8(class_num=7)
        model.set_state_dict(paddle.load(f"{pretrained}.pdparams"))
        model.eval()
        shown = {**loaders["Train"]["dataset"], "transform_ops": loaders["Eval"]["dataset"]["transform_ops"]}
        classes: dict = {}
        for image, label in host.build_dataset(shown):
            classes.setdefault(int(label), []).append(features(model, image))
        means = np.stack([np.mean(classes[one], axis=0) for one in range(10)], axis=1)
        found = begun(tmp_path)
        np.testing.assert_allclose(found, means / np.linalg.norm(means, axis=0), rtol=1e-4, atol=1e-6)
        assert sum(map(len, classes.values())) == 325 and found.std() > 0.01

    @pytest.mark.slow
    def test_several_processes_begin_as_one_does(self, settings, tmp_path):
        found = []
        for processes in (1, 2):
            place = tmp_path / str(processes)
            place.mkdir()
            config = settings("lift_classifier", epochs=0, eval_during_train=False)
            config["Global"]["output_dir"] = str(place / "out")
            engines.write_yaml(config, place / "config.yaml")
            script = engines.ROOT / "scripts" / "train.py"
            done = engines.together(script, "-c", "config.yaml", cwd=place, processes=processes)
            assert done.returncode == 0, done.stdout
            found.append(begun(place))
        np.testing.assert_allclose(found[1], found[0], atol=1e-6)

    @pytest.mark.slow
    def test_a_run_that_goes_on_keeps_what_it_has_learned(self, tmp_path):
        check_resumes(ClassMeanClassifier, tmp_path, config={"Arch": COSINE, "Loss": {"Train": LOGIT_ADJUSTED}})

    def test_a_class_without_images_keeps_its_vector_and_the_average_begins_there_too(self):
        run = run_of(Network(), ema=True)
        own = values(run.model)["head.weight"]
        means = np.random.default_rng(0).normal(size=own.shape)
        means[:, 2] = 0
        run.class_means = lambda: (means, np.ones(own.shape[1]))
        started(ClassMeanClassifier(), run)
        expected = means / np.maximum(np.linalg.norm(means, axis=0), 1e-9)
        expected[:, 2] = own[:, 2]
        for model in run.models:
            np.testing.assert_allclose(model.head.weight.numpy(), expected, rtol=1e-6)


class TestBitFit:
    def test_biases_and_the_classifier_move_and_nothing_else(self):
        run = run_of(Network())
        before = values(run.model)
        callback = started(BitFit(), run)
        learned = {name for name, each in run.model.named_parameters() if not each.stop_gradient}
        learned.remove("bn.weight")  # which Paddle computes with that of the bias, and whose learning rate is 0
        assert learned == {"conv.bias", "bn.bias", "block.0.bias", "head.weight", "head.bias"}
        total = sum(before[name].size for name in before if not name.endswith(("_mean", "_variance")))
        number = sum(before[name].size for name in learned)
        assert f"{number} of {total} parameters ({number / total:.2%})" in callback.announcement(run)
        train(run.model)
        after = values(run.model)
        moved = {name for name in before if (after[name] != before[name]).any()}
        assert learned <= moved <= learned | {"bn._mean", "bn._variance"}

    def test_a_model_without_biases(self):
        model = Network()
        model.conv, model.bn = nn.Conv2D(3, 5, 3, bias_attr=False), nn.Identity()
        model.block = nn.Sequential(nn.Linear(5, 7, bias_attr=False), nn.Dropout(0.5))
        with pytest.raises(ConfigError, match="BitFit: `Arch.name` must be an architecture with biases"):
            BitFit().on_model_built(run_of(model))


def test_the_backbone_takes_smaller_steps():
    steps = []
    for callback in (None, DiscriminativeLearningRates(backbone=0.1, classifier=2.0)):
        paddle.seed(0)
        model = Network()
        if callback is not None:
            started(callback, run_of(model))
        before = values(model)
        optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters())
        model.eval()
        model(paddle.ones([4, 3, 5, 5])).square().sum().backward()
        optimizer.step()
        after = values(model)
        steps.append({name: after[name] - before[name] for name in before})
    for name, step in steps[0].items():
        factor = 2.0 if name.startswith("head") else 0.1
        np.testing.assert_allclose(steps[1][name], factor * step, rtol=1e-3, atol=1e-6)
    assert np.abs(steps[0]["conv.weight"]).max() > 1e-3


class TestRecipes:
    @staticmethod
    def plan(recipe, epochs=6):
        base = copy.deepcopy(BASES["plain"])
        base["Global"].update(recipe=recipe, epochs=epochs)
        base.pop("Callbacks", None)
        return stages.plan(base)

    @pytest.mark.parametrize("epochs, expected", [(6, [1, 5]), (10, [2, 8]), (2, [1, 1]), (1, [1, 1])])
    def test_a_probe_and_the_tuning_take_the_epochs_that_there_are(self, epochs, expected):
        assert [stage["Global"]["epochs"] for stage in self.plan("lp_ft", epochs)] == expected

    def test_images_are_mixed_where_the_features_are_trained_and_class_means_taken_once(self):
        probe, tuning = self.plan("lp_ft+mixup+lift_classifier")
        mixes = [stage["DataLoader"]["Train"]["dataset"].get("batch_transform_ops") for stage in (probe, tuning)]
        assert mixes == [None, [{"MixupOperator": {"alpha": 1.0}}]]
        assert [list(entry) for entry in probe["Callbacks"]] == [["FreezeLayers"], ["ClassMeanClassifier"]]
        assert not tuning.get("Callbacks") and tuning["Arch"]["classifier_scale"] == 25.0

    def test_the_settings_of_lift(self):
        for name, rate in (("lift_sgd", 0.01), ("lift_plus_sgd", 0.02)):
            optimizer = self.plan(name)[0]["Optimizer"]
            assert (optimizer["name"], optimizer["momentum"]) == ("Momentum", 0.9)
            assert optimizer["lr"] == {"name": "Cosine", "learning_rate": rate, "warmup_epoch": 0}
            assert optimizer["regularizer"] == {"name": "L2", "coeff": 0.0005}
        with pytest.raises(ConfigError, match="of the kind schedule, got lift_sgd and cosine"):
            recipes.read("lift_sgd+cosine")


@pytest.mark.parametrize(
    "recipe, arch, section, said",
    [
        (
            None,
            {"classifier_scale": 25.0},
            {},
            "Arch: `classifier` must be normalized beside `classifier_scale`.*nothing",
        ),
        ("ldam", {"classifier_scale": 25.0}, {}, "must be the same wherever it is stated"),
        (None, {"classifier": "normalized", "classifier_scale": 0}, {}, "Arch: `classifier_scale` must be"),
        ("lift_classifier", {}, {"to_static": True}, "ClassMeanClassifier: `Global.to_static` must be false"),
        ("lp_ft+bitfit", {}, {}, "BitFit: `Callbacks` must be a list without FreezeLayers"),
        ("bitfit", {"lora": {}}, {}, "BitFit: `Arch.lora` must be left out"),
    ],
)
def test_what_cannot_be_trained_is_said_before(recipe, arch, section, said, settings):
    config = settings(recipe, **section)
    config["Arch"].update(arch)
    with pytest.raises(ConfigError, match=said):
        checklist.checked_plan(config, "train")


def test_class_means_need_a_cosine_classifier_and_the_operators_of_an_evaluation(settings):
    config = settings()
    config["Callbacks"] = [{"ClassMeanClassifier": None}]
    with pytest.raises(ConfigError, match="`Arch.classifier` must be normalized.*got an ordinary one; write"):
        checklist.checked_plan(config, "train")
    config["Arch"].update(COSINE)
    config["Global"]["eval_during_train"] = False
    del config["DataLoader"]["Eval"]
    with pytest.raises(ConfigError, match="`DataLoader.Eval.dataset.transform_ops` must be given"):
        checklist.checked_plan(config, "train")


def test_fixed_class_vectors_are_not_scaled(settings):
    config = settings()
    config["Arch"]["classifier"] = "etf"
    config["Callbacks"] = [{"LearnableWeightScaling": None}]
    with pytest.raises(
        ConfigError, match="LearnableWeightScaling: `Arch.classifier` must be null.*got etf, whose class"
    ):
        checklist.checked_plan(config, "train")


def test_class_means_are_of_images_of_one_size(settings):
    config = settings("lift_classifier")
    dataset = config["DataLoader"]["Train"]["dataset"]
    sampler = {"name": "WeightBalancedSampler", "batch_size": 8, "scales": [8, 16]}
    config["DataLoader"]["Train"].update(dataset={**dataset, "name": "MultiScaleDataset"}, sampler=sampler)
    with pytest.raises(ConfigError, match="`DataLoader.Train.dataset.name` must be one that shows an image at one"):
        checklist.checked_plan(config, "train")


def test_a_checkpoint_knows_the_scale(settings):
    found = {}
    for scale in (25.0, 30.0):
        config = settings()
        config["Arch"].update(COSINE, classifier_scale=scale)
        found[scale] = model_record.of(config)
    assert found[25.0]["scale"] == 25.0
    assert model_record.differences(found[25.0], found[30.0]) == [("Arch.classifier_scale", "25.0", "30.0")]


@pytest.mark.slow
def test_weights_of_the_architecture_begin_every_stage_and_the_run_is_evaluated(data, tmp_path):
    paddle.seed(1)
    with paddle.utils.unique_name.guard():
        model = host.module("arch").build_model({"Arch": {"name": "PPLCNet_x0_25", "class_num": 3}, "Global": {}})
    paddle.save(model.state_dict(), str(tmp_path / "pretrained.pdparams"))
    arch = {"name": "PPLCNet_x0_25", "class_num": 10, "pretrained": str(tmp_path / "pretrained")}
    (data / "few.txt").write_text("".join((data / "train.txt").read_text().splitlines(True)[:100]))
    given = {"losses": LOGIT_ADJUSTED, "arch": arch, "size": 32, "epochs": 2}
    recipe = "lp_ft+lift_classifier+discriminative+lift_sgd+ema"
    config = engines.digits_config(data, tmp_path / "out", recipe=recipe, **given)
    config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(data / "few.txt")
    config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(data / "few.txt")
    engines.build_engine(config).train()
    tuned = paddle.load(f"{engines.saved(tmp_path / 'out' / 'stage_2')}.pdparams")
    probed = paddle.load(f"{engines.saved(tmp_path / 'out' / 'stage_1')}.pdparams")
    kernel = model.state_dict()["conv1.conv.weight"].numpy()
    assert (probed["conv1.conv.weight"].numpy() == kernel).all()
    assert (tuned["conv1.conv.weight"].numpy() != kernel).any()


def test_one_half_of_a_batch_norm_is_trained_alone():
    for kept, frozen in (("bias", "weight"), ("weight", "bias")):
        model = Network()
        callback = FreezeLayers(keep=[f"bn.{kept}", "head"])
        started(callback, run_of(model))
        before = values(model)
        train(model)
        after = values(model)
        assert (after[f"bn.{kept}"] != before[f"bn.{kept}"]).any()
        assert (after[f"bn.{frozen}"] == before[f"bn.{frozen}"]).all() and model.conv.weight.stop_gradient


class TestDownloads:
    @pytest.fixture
    def served(self, tmp_path, monkeypatch):
        """The address of a folder with weights, on this machine; what is downloaded goes into another."""
        with paddle.utils.unique_name.guard():
            model = host.module("arch").build_model({"Arch": {"name": "PPLCNet_x0_25", "class_num": 3}, "Global": {}})
        folder = tmp_path / "served"
        folder.mkdir()
        paddle.save(model.state_dict(), str(folder / "weights.pdparams"))
        monkeypatch.setattr(host.module("utils.download"), "WEIGHTS_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield model, f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def test_weights_at_a_url(self, data, served):
        model, address = served
        arch = {"name": "PPLCNet_x0_25", "class_num": 10, "pretrained": f"{address}/weights.pdparams"}
        with paddle.utils.unique_name.guard():
            built = host.module("arch").build_model({"Arch": arch, "Global": {}, "Loss": {}})
        key = "conv1.conv.weight"
        assert (built.state_dict()[key].numpy() == model.state_dict()[key].numpy()).all()
        assert arch["pretrained"].startswith("http")

    def test_what_cannot_be_had_is_said_with_the_way_without_a_network(self, data, served):
        arch = {"name": "PPLCNet_x0_25", "class_num": 10, "pretrained": f"{served[1]}/missing.pdparams"}
        said = (
            r"Arch: `pretrained` must be had .*, got http://127.*missing.pdparams: RuntimeError: .* 404.*; download it"
        )
        with pytest.raises(ConfigError, match=said):
            host.module("arch").build_model({"Arch": arch, "Global": {}, "Loss": {}})
