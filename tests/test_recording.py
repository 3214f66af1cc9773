"""What runs leave in their folder for the report, through the host's Engine."""

import json

import numpy as np
import paddle
import pytest
import yaml

import ppcls_lt
from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import plain as plain_values
from ppcls_lt.configuration import stages
from ppcls_lt.engine import recording, trainer
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import history, state_files

from . import engines

COUNTS = [90, 66, 49, 36, 27, 19, 14, 10, 8, 6]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def config(data, output, **overrides):
    losses = [{"CELoss": {"weight": 1.0}}]
    return engines.digits_config(data, output, losses=losses, **{"eval_during_train": True, "seed": 3, **overrides})


def find(folder, name):
    """The one file of that name that no hidden folder holds."""
    (path,) = (path for path in folder.rglob(name) if "/." not in str(path.relative_to(folder.parent)))
    return path


def weights(folder):
    return paddle.load(str(find(folder, "latest.pdparams")), return_numpy=True)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A training of two epochs: its Engine and its folder."""
    folder = tmp_path_factory.mktemp("trained")
    settings = config(data, folder, recipe="ce", print_batch_step=1)
    engine = engines.build_engine(settings)
    assert not list(folder.rglob("run_info.json"))  # nothing is said of a run before it begins
    engine.train()
    return engine, folder


def test_the_predictions_of_the_last_evaluation(trained):
    engine, folder = trained
    found = run_files.read_predictions(find(folder, "predictions.npz"))
    dataset = engine.eval_dataloader.dataset
    engine.model.eval()
    images = paddle.to_tensor(np.stack([dataset[i][0] for i in range(len(dataset))]))
    with paddle.no_grad():
        logits = engine.model(images).numpy().astype(np.float64)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found.label.tolist() == list(dataset.labels) and len(dataset) == 500
    assert found.predicted.tolist() == logits.argmax(axis=1).tolist()
    np.testing.assert_allclose(found.confidence, probability.max(axis=1), rtol=1e-4)
    assert (found.class_num, found.epoch) == (10, 2)
    assert sum(array.nbytes for array in found[:3]) == 12 * 500
    assert not engine.eval_metric_func._forward_pre_hooks  # the recorders are gone, with what they kept


def test_the_norms_of_the_classifier(trained):
    _, folder = trained
    records = history.read(find(folder, "metrics.jsonl"))
    assert [(r["epoch"], r["classifier"]["name"], r["classifier"]["kind"]) for r in records] == [
        (1, "fc", "Linear"),
        (2, "fc", "Linear"),
    ]
    wanted = np.linalg.norm(weights(folder)["fc.weight"].astype(np.float64), axis=0)
    np.testing.assert_allclose(records[-1]["classifier"]["norm"], wanted, rtol=1e-5)


def test_the_facts_of_the_run(trained):
    _, folder = trained
    info = run_files.read_info(find(folder, "run_info.json"))
    state = state_files.read(find(folder, "latest.pdlt"))
    assert (info["mode"], info["run"], info["stage"], info["stages"]) == ("train", state["run"], 1, 1)
    assert (info["counts"], info["seed"], info["processes"], info["device"]) == (COUNTS, 3, 1, "cpu")
    versions = info["versions"]
    assert (versions["ppcls_lt"], versions["paddle"]) == (ppcls_lt.__version__, paddle.__version__)
    assert versions["numpy"] == np.__version__ and str(host.checkout()) in versions["paddleclas"]


def test_the_configuration_trains_the_same_again(trained, tmp_path):
    _, folder = trained
    written = find(folder, "config.yaml")
    assert (written.parent / "train.log").is_file()
    content = yaml.safe_load(written.read_text())
    assert "recipe" not in content["Global"] and content["Loss"]["Train"] == [{"CELoss": {"weight": 1.0}}]
    trainer.run_engine("train", written, [f"Global.output_dir={tmp_path}"])
    again, before = weights(tmp_path), weights(folder)
    assert again.keys() == before.keys()
    assert not [name for name in again if (again[name] != before[name]).any()]


@pytest.mark.slow
def test_a_new_run_begins_with_an_empty_history_and_a_resumed_one_goes_on(data, tmp_path):
    settings = config(data, tmp_path, epochs=1)
    engines.build_engine(settings).train()
    first = run_files.read_info(find(tmp_path, "run_info.json"))
    kept = find(tmp_path, "metrics.jsonl").read_bytes()

    settings["Global"].update(extend_to=2, eval_during_train=False)
    engines.build_engine(settings).train()
    resumed = run_files.read_info(find(tmp_path, "run_info.json"))
    assert resumed["run"] == first["run"] and resumed["started"] > first["started"]
    assert find(tmp_path, "metrics.jsonl").read_bytes() == kept
    assert run_files.read_predictions(find(tmp_path, "predictions.npz")).epoch == 1
    assert yaml.safe_load(find(tmp_path, "config.yaml").read_text())["Global"]["checkpoints"] is None

    settings["Global"].update(extend_to=None, overwrite=True)
    engines.build_engine(settings).train()
    assert run_files.read_info(find(tmp_path, "run_info.json"))["run"] != first["run"]
    assert not list(tmp_path.rglob("metrics.jsonl")) and not list(tmp_path.rglob("predictions.npz"))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["lws", "tau_norm"])
def test_each_stage_has_its_own(recipe, data, tmp_path):
    path = tmp_path / "config.yaml"
    engines.write_yaml(config(data, tmp_path / "out", epochs=2), path)
    trainer.run_engine("train", path, [f"Global.recipe={recipe}"])
    infos = []
    for stage in (1, 2):
        folder = tmp_path / "out" / f"stage_{stage}"
        infos.append(run_files.read_info(find(folder, "run_info.json")))
        assert (infos[-1]["stage"], infos[-1]["stages"]) == (stage, 2)
        # LWS trains factors that its checkpoints do not hold; the norms are those of the products.
        wanted = np.linalg.norm(weights(folder)["fc.weight"].astype(np.float64), axis=0)
        last = history.read(find(folder, "metrics.jsonl"))[-1]
        np.testing.assert_allclose(last["classifier"]["norm"], wanted, rtol=1e-5)
        assert run_files.read_predictions(find(folder, "predictions.npz")).epoch == last["epoch"]
    assert infos[0]["run"] == infos[1]["run"]
    # tau-normalisation trains for no epochs.
    assert last["epoch"] == {"lws": 1, "tau_norm": 0}[recipe]
    again = yaml.safe_load(find(tmp_path / "out" / "stage_2", "config.yaml").read_text())
    assert len(stages.plan(again)) == 1 and "start_from" not in again
    assert again["Global"]["pretrained_model"].endswith("latest")
    assert again["Global"]["epochs"] == last["epoch"]


def test_names_of_the_classes(data, tmp_path, caplog):
    names = tmp_path / "names.txt"
    settings = config(data, tmp_path, epochs=1, eval_during_train=False, overwrite=True)
    settings["Infer"]["PostProcess"]["class_id_map_file"] = str(names)
    for text, found in (("0 zero\n9 nine\n", {"0": "zero", "9": "nine"}), ("zero\n", None)):
        names.write_text(text)
        engines.build_engine(settings).train()
        assert run_files.read_info(find(tmp_path, "run_info.json"))["class_names"] == found


def test_an_evaluation_does_not_touch_what_the_training_left(trained, data):
    _, folder = trained
    before = {name: find(folder, name).read_bytes() for name in run_files.FILES["train"]}
    settings = config(data, folder, pretrained_model=str(find(folder, "latest.pdparams").with_suffix("")))
    # Neither the training images nor their list need be there.
    settings["DataLoader"]["Train"]["dataset"]["cls_label_path"] = "nowhere.txt"
    settings["Metric"]["Eval"][1]["ManyMediumFewAcc"]["num_class_list"] = COUNTS
    engines.build_engine(settings, "eval").eval()
    assert {name: find(folder, name).read_bytes() for name in run_files.FILES["train"]} == before
    training, alone = (find(folder, run_files.FILES[mode].predictions) for mode in ("train", "eval"))
    one, other = map(run_files.read_predictions, (training, alone))
    assert (one.predicted == other.predicted).all() and other.epoch == 0
    info = run_files.read_info(find(folder, "eval_run_info.json"))
    assert (info["mode"], info["run"], info["counts"]) == ("eval", None, COUNTS)


class TestPredictionRecorder:
    def test_batches_in_their_order(self):
        recorder = recording.PredictionRecorder()
        assert recorder.result(1) is None
        logits = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
        recorder(None, (paddle.to_tensor(logits[:5]), paddle.to_tensor([[0], [1], [2], [3], [0]])))
        recorder(None, ({"logits": paddle.to_tensor(logits[5:])}, paddle.to_tensor([1, 2])))
        found = recorder.result(6)
        assert found.label.tolist() == [0, 1, 2, 3, 0, 1, 2]
        assert found.predicted.tolist() == logits.argmax(axis=1).tolist()
        assert (found.class_num, found.epoch) == (4, 6)

    @pytest.mark.parametrize(
        "logits, label",
        [
            (paddle.zeros([2, 3]), paddle.zeros([2, 3])),
            ([paddle.zeros([2, 3])], paddle.zeros([2, 1])),
            ({"features": paddle.zeros([2, 3])}, paddle.zeros([2, 1])),
            (paddle.zeros([2, 3, 4]), paddle.zeros([2, 1])),
        ],
        ids=["many labels", "many heads", "no logits", "no vectors"],
    )
    def test_leaves_other_tasks_alone(self, logits, label):
        recorder = recording.PredictionRecorder()
        recorder(None, (logits, label))
        assert recorder.result(1) is None

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
    def test_takes_other_numbers(self, dtype):
        recorder = recording.PredictionRecorder()
        recorder(None, (paddle.to_tensor([[0.0, 2.0, 1.0]]).astype(dtype), paddle.to_tensor([[1]])))
        found = recorder.result(1)
        assert found.predicted.tolist() == [1]
        assert found.confidence[0] == pytest.approx(np.exp(2) / (1 + np.exp(1) + np.exp(2)), rel=1e-5)


def test_norms_of_a_model_without_a_linear_classifier():
    assert recording.classifier_norms(paddle.nn.Conv2D(3, 10, 1), 10, "Convolution") is None
    linear = paddle.nn.Linear(4, 3)
    found = recording.classifier_norms(paddle.nn.Sequential(linear), 3, "Linear")
    np.testing.assert_allclose(found["norm"], np.linalg.norm(linear.weight.numpy(), axis=0), rtol=1e-5)


def test_what_yaml_cannot_write_becomes_plain(tmp_path):
    given = {
        "Global": {"resume": True, "checkpoints": "a", "x": np.float32(0.5), "y": (1, np.int64(2))},
        "start_from": 1,
    }
    plain = plain_values.reusable({**given, "profiler_options": None, "path": tmp_path})
    assert plain == {"Global": {"checkpoints": None, "x": 0.5, "y": [1, 2]}, "path": str(tmp_path)}
    run_files.write_config(tmp_path / "config.yaml", plain)
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == plain
    assert json.dumps(plain)


MISTAKES = {
    "a language": ({"report": "fr"}, r"`report` must be one of en, zh, got 'fr' \(str\)"),
    "another type": ({"report": 1}, "`report` must be one of en, zh"),
    "no evaluation": (
        {"report": True, "eval_during_train": False},
        "`report` must be used with `eval_during_train: true`",
    ),
    "never due": ({"report": "zh", "eval_interval": 3}, "`report` must be used with `eval_during_train: true`"),
    "due too late": ({"report": "zh", "start_eval_epoch": 3}, "`report` must be used with `eval_during_train: true`"),
    "interval": ({"report": True, "eval_interval": 0}, "`eval_interval` must be an integer >= 1"),
    "many labels": ({"report": True, "use_multilabel": True}, "`report` must be left out unless images are classified"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_report_that_could_not_be_written_is_refused_before_training(mistake, data, tmp_path):
    overrides, message = MISTAKES[mistake]
    settings = config(data, tmp_path / "out", **overrides)
    if mistake == "many labels":  # for which no metric of this package stands beside it
        settings["Metric"]["Eval"] = settings["Metric"]["Eval"][:1]
    with pytest.raises(ConfigError, match=f"^Global: {message}"):
        engines.build_engine(settings)
    assert not list((tmp_path / "out").rglob("*.log"))


def test_what_a_report_needs_and_is_not_installed_is_named_before_training(data, tmp_path, missing):
    with pytest.raises(ConfigError, match=f"needs {missing}; install it with"):
        engines.build_engine(config(data, tmp_path / "out", report=True))
    assert not (tmp_path / "out").exists()
