"""Evaluations by the host's Engine: every image once, one and three processes, the best model, what is kept."""

import json
import math
import os
import shutil

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.maths.classifier import find_classifier
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import history

from . import commands, engines, evaluated, metric_reference, several_labels

TERTILES = {"many": [0, 1, 2], "medium": [3, 4, 5, 6], "few": [7, 8, 9]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    evaluated.write_lists(folder)
    return folder


def config(data, output, **overrides):
    """Training with every metric, evaluated after each epoch."""
    losses = [{"CELoss": {"weight": 1.0}}]
    result = engines.digits_config(data, output, losses=losses, eval_during_train=True, seed=1, **overrides)
    result["Metric"]["Eval"] += [{name: None} for name in evaluated.EVERY]
    return result


@pytest.fixture(scope="module")
def weights(data, tmp_path_factory):
    """Weights that are right on about half of the images; the path without its ending."""
    output = tmp_path_factory.mktemp("weights")
    settings = config(data, output, epochs=4)
    settings["Global"]["eval_during_train"] = False
    engines.build_engine(settings).train()
    return engines.saved(output)


def one_by_one(engine):
    """Logits and classes of the evaluation set, image by image in the order of the list."""
    dataset = engine.eval_dataloader.dataset
    engine.model.eval()
    with paddle.no_grad():
        logits = [engine.model(paddle.to_tensor(dataset[i][0][None])).numpy()[0] for i in range(len(dataset))]
    return np.array(logits), np.array(dataset.labels)


def expected(logits, label):
    return {**metric_reference.expected(logits, label, TERTILES), "top1": np.mean(logits.argmax(axis=1) == label)}


def cross_entropy(logits, label):
    z = logits.astype(np.float64)
    return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), label])


def same(found, wanted):
    """Equal to 1e-6, with None for what is undefined."""
    found = {key: math.nan if value is None else value for key, value in found.items()}
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6, nan_ok=True)


@pytest.fixture(scope="module")
def in_three_processes(data, weights, tmp_path_factory):
    """What each of three processes found in the same lists."""
    folder = tmp_path_factory.mktemp("three")
    script = engines.ROOT / "tests" / "evaluated.py"
    result = engines.together(script, data, weights, folder / "out", cwd=folder, processes=3)
    assert result.returncode == 0, result.stdout
    return [json.loads((folder / f"out_{rank}.json").read_text()) for rank in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("images, batch_size", evaluated.SETS)
def test_every_image_counts_once_in_one_process_and_in_three(
    images, batch_size, data, weights, in_three_processes, tmp_path
):
    engine = engines.build_engine(evaluated.settings(data, weights, tmp_path, images, batch_size), "eval")
    returned = engine.eval()
    logits, label = one_by_one(engine)
    assert len(label) == images
    # Three processes see some images twice.
    assert sum(each["values"][str(images)]["dealt"] for each in in_three_processes) > images
    wanted = expected(logits, label)
    (path,) = tmp_path.rglob("eval_metrics.jsonl")
    (alone,) = history.read(path)
    first = in_three_processes[0]["values"][str(images)]
    predictions = run_files.read_predictions(path.with_name("eval_predictions.npz"))
    for found in (predictions._asdict(), first):
        assert list(found["label"]) == label.tolist()
        assert list(found["predicted"]) == logits.argmax(axis=1).tolist()
    for record in (alone, first):
        same(record["values"], wanted)
        same(record["loss"], {"CELoss": cross_entropy(logits, label), "loss": cross_entropy(logits, label)})
        assert (record["epoch"], record["ema"], record["best_metric"]) == (0, False, None)
        table = precision_recall_fscore_support(label, logits.argmax(axis=1), labels=range(10), zero_division=np.nan)
        for name, array in zip(("precision", "recall", "f1", "support"), table):
            kept = np.array(record["per_class"][name], dtype=np.float64)
            np.testing.assert_allclose(kept, array, atol=1e-6, err_msg=name)
    assert returned == pytest.approx(wanted["top1"], rel=1e-6)
    for process in in_three_processes:
        assert process["values"][str(images)]["returned"] == pytest.approx(wanted["top1"], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", evaluated.SAMPLERS)
def test_samplers_that_would_not_show_every_image_once(name, data, weights, in_three_processes, tmp_path):
    sampler, in_several, in_one = evaluated.SAMPLERS[name]
    for process in in_three_processes:
        assert (name in process["refused"]) == in_several
    message = in_three_processes[0]["refused"][name]
    assert message.startswith("DataLoader.Eval.sampler: `") and ("ManyMediumFewAcc" in message) == (
        name != "rest dropped"
    )
    settings = evaluated.settings(data, weights, tmp_path, *evaluated.SETS[0])
    settings["DataLoader"]["Eval"]["sampler"] = {"batch_size": 8, **sampler}
    if in_one:
        with pytest.raises(ConfigError, match="`drop_last` must be false .*leaves out 5 images"):
            engines.build_engine(settings, "eval")
    else:
        engine = engines.build_engine(settings, "eval")
        engine.eval()
        assert engine.eval_metric_func.metric_func_list[1].predictions.classes().support.sum() == 101


def test_dropping_the_rest_is_fine_where_there_is_none(data, weights, tmp_path):
    settings = evaluated.settings(data, weights, tmp_path, 100, 20)
    settings["DataLoader"]["Eval"]["sampler"]["drop_last"] = True
    engine = engines.build_engine(settings, "eval")
    engine.eval()
    assert engine.eval_metric_func.metric_func_list[1].predictions.classes().support.sum() == 100


def counted(images, processes, batch_size, **options):
    """Which images the host counts: the parts of a batch in the order of the processes, the end cut off."""
    samplers = [
        paddle.io.DistributedBatchSampler(range(images), batch_size, processes, rank, **options)
        for rank in range(processes)
    ]
    result, shown = [], 0
    for parts in zip(*samplers):
        joined = [index for part in parts for index in part]
        shown += len(joined)
        result += joined[: len(joined) - max(shown - images, 0)]
    return result


@given(st.integers(1, 60), st.integers(1, 7), st.integers(1, 9))
def test_what_the_host_cuts_off_is_what_the_sampler_repeats(images, processes, batch_size):
    """The reason why only this sampler is accepted in several processes, and what is wrong with the others."""
    assert counted(images, processes, batch_size) == list(range(images))
    whole = -(-images // processes) % batch_size == 0
    assert (len(counted(images, processes, batch_size, drop_last=True)) == images) == whole


def test_after_shuffling_the_host_cuts_off_the_wrong_images():
    found = counted(101, 3, 8, shuffle=True)
    assert len(found) == 101 and len(set(found)) < 101


@pytest.mark.parametrize("how", ["built", "configured"])
def test_no_evaluation_leaves_out_images_whatever_its_metrics(how, data, weights, tmp_path, ppcls, monkeypatch):
    settings = evaluated.settings(data, weights, tmp_path, *evaluated.SETS[0])
    settings["DataLoader"]["Eval"]["sampler"]["drop_last"] = True
    settings["Metric"]["Eval"] = [{"TopkAcc": {"topk": 1}}]
    if how == "built":  # of a sampler that is not asked before
        settings["DataLoader"]["Eval"]["sampler"]["name"] = "Own"
        own = type("Own", (paddle.io.DistributedBatchSampler,), {})
        monkeypatch.setattr(ppcls.module("data"), "Own", own, raising=False)
    with pytest.raises(
        ConfigError, match="`drop_last` must be false to evaluate the whole set, got true, which leaves"
    ):
        engines.build_engine(settings, "eval")


def test_nor_does_one_of_several_labels(data, tmp_path):
    several_labels.write_rows(data)
    entry = {"ClassBalancedMultiLabelLoss": several_labels.LISTED["ClassBalancedMultiLabelLoss"]}
    settings = several_labels.settings(data, tmp_path, entry, eval_during_train=True)
    settings["DataLoader"]["Eval"]["sampler"].update(batch_size=64, drop_last=True)
    with pytest.raises(ConfigError, match="`drop_last` must be false to evaluate the whole set"):
        engines.build_engine(settings)


def test_dali_is_refused(data, weights, tmp_path):
    settings = evaluated.settings(data, weights, tmp_path, *evaluated.SETS[0])
    settings["Global"]["use_dali"] = True
    with pytest.raises(ConfigError, match="^Global: `use_dali` must be false"):
        engines.build_engine(settings, "eval")


def raise_the_tail(engine, biases):
    """After each real epoch, set the classifier's bias of the few-shot classes: more for them, less for the rest."""
    _, classifier = find_classifier(engine.model, 10, "")
    train_epoch = engine.train_epoch_func

    def epoch(engine, epoch_id, print_batch_step):
        train_epoch(engine, epoch_id, print_batch_step)
        bias = np.zeros(10, np.float32)
        bias[TERTILES["few"]] = biases[epoch_id - 1]
        classifier.bias.set_value(bias)

    engine.train_epoch_func = epoch


def train(data, output, best_metric, biases=(0.0, 20.0, 0.0), **overrides):
    """Train with few-shot classes preferred in the second epoch; return the history and the best model's record."""
    settings = config(data, output, best_metric=best_metric, **{"epochs": len(biases), **overrides})
    with paddle.utils.unique_name.guard():  # the optimizer's state is found again by name
        engine = engines.build_engine(settings)
        raise_the_tail(engine, biases)
        engine.train()
    (path,) = output.rglob("metrics.jsonl")
    state = paddle.load(f"{engines.saved(output, 'best_model')}.pdstates")
    return history.read(path), state


@pytest.mark.slow
@pytest.mark.one_paddle
@pytest.mark.parametrize("chosen, epoch", [(None, 3), ("top1", 3), ("few", 2), ("many", 3), ("ECE", 1)])
def test_the_best_model_is_that_of_the_chosen_value(chosen, epoch, data, tmp_path):
    records, state = train(data, tmp_path, chosen)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    values = [record["values"][chosen or "top1"] for record in records]
    scores = [-value for value in values] if chosen == "ECE" else values
    assert state["epoch"] == epoch == 1 + int(np.argmax(scores))
    assert state["metric"] == pytest.approx(scores[epoch - 1], rel=1e-6)
    assert [record["score"] for record in records] == pytest.approx(scores, rel=1e-6)
    assert {record["best_metric"] for record in records} == {chosen}
    assert history.best(records)["epoch"] == epoch


@pytest.mark.slow
@pytest.mark.one_paddle
def test_of_equal_values_the_later_epoch_is_the_best(data, tmp_path):
    records, state = train(data, tmp_path, "many", biases=(1e4, 1e4, 1e4))
    assert [record["values"]["many"] for record in records] == [0.0, 0.0, 0.0]
    assert state["epoch"] == history.best(records)["epoch"] == 3
    assert [record["score"] for record in records] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


@pytest.mark.slow
@pytest.mark.one_paddle
@pytest.mark.parametrize("chosen, epoch", [("few", 2), ("top1", 3)])
def test_the_choice_survives_a_resume(chosen, epoch, data, tmp_path):
    """Stopped after the second epoch and resumed: the third is compared with the best so far, not with the last."""
    train(data, tmp_path, chosen, biases=(0.0, 20.0))
    records, state = train(data, tmp_path, chosen, epochs=2, extend_to=3)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert state["epoch"] == epoch
    assert state["metric"] == pytest.approx(records[epoch - 1]["score"], rel=1e-6)


@pytest.mark.one_paddle
def test_everything_goes_to_visualdl(data, tmp_path):
    from visualdl import LogReader

    records, _ = train(data, tmp_path, "few", use_visualdl=True)
    (path,) = tmp_path.rglob("vdlrecords*.log")
    log = LogReader(file_path=str(path))
    scalars = {tag for tag in log.get_tags()["scalar"] if tag.startswith("eval/")}
    per_class = {f"eval/{name}/class_{c}" for name in ("recall", "precision", "f1") for c in range(10)}
    plain = {f"eval/{name}" for name in records[0]["values"]} | {"eval/loss/CELoss", "eval/loss/loss"}
    # A class that was never predicted has no precision.
    assert plain <= scalars <= plain | per_class
    assert {f"eval/recall/class_{c}" for c in range(10)} <= scalars
    for record in records:
        for name, value in record["values"].items():
            (point,) = [p for p in log.get_data("scalar", f"eval/{name}") if p.id == record["epoch"]]
            assert point.value == pytest.approx(value, rel=1e-6)
    assert [p.value for p in log.get_data("scalar", "eval_acc")] == pytest.approx([r["score"] for r in records])
    assert {"eval/recall", "eval/f1"} <= set(log.get_tags()["histogram"])
    assert len(log.get_data("histogram", "eval/recall")) == 3


@pytest.mark.slow
@pytest.mark.one_paddle
def test_a_new_run_starts_a_new_history_and_a_resumed_one_goes_on(data, tmp_path):
    first, _ = train(data, tmp_path, "few")
    again, _ = train(data, tmp_path, "few", biases=(0.0, 0.0), overwrite=True)
    assert [record["epoch"] for record in again] == [1, 2]
    # Not the one before, which is kept in a hidden folder.
    start = engines.saved(tmp_path)
    resumed, _ = train(data, tmp_path, "few", biases=(0.0,) * 4, checkpoints=str(start), epochs=2, extend_to=4)
    assert [record["epoch"] for record in resumed] == [1, 2, 3, 4]
    assert resumed[:2] == again


@pytest.mark.one_paddle
def test_an_evaluation_outside_of_the_epochs_is_not_written_down(data, tmp_path):
    settings = config(data, tmp_path, epochs=1)
    engine = engines.build_engine(settings)
    engine.train()
    engine.eval()
    (path,) = tmp_path.rglob("metrics.jsonl")
    assert [record["epoch"] for record in history.read(path)] == [1]


@pytest.mark.one_paddle
def test_the_history_stands_beside_the_log(data, tmp_path):
    engines.build_engine(config(data, tmp_path, epochs=1)).train()
    (path,) = tmp_path.rglob("metrics.jsonl")
    assert (path.parent / "train.log").is_file()


def test_the_hosts_metrics_alone_are_kept_too(data, tmp_path):
    settings = config(data, tmp_path, epochs=1, best_metric="top2")
    settings["Metric"]["Eval"] = [{"TopkAcc": {"topk": [1, 2]}}]
    engine = engines.build_engine(settings)
    engine.train()
    (record,) = history.read(next(tmp_path.rglob("metrics.jsonl")))
    assert set(record["values"]) == {"top1", "top2"} and record["per_class"] == {}
    assert record["score"] == record["values"]["top2"] >= record["values"]["top1"]


def test_without_a_table_the_recalls_are_kept(data, tmp_path):
    settings = config(data, tmp_path, epochs=1)
    settings["Metric"]["Eval"] = [{"ECE": {"bins": 10}}]
    engines.build_engine(settings).train()
    (record,) = history.read(next(tmp_path.rglob("metrics.jsonl")))
    assert set(record["per_class"]) == {"recall"} and len(record["per_class"]["recall"]) == 10
    assert record["score"] == -record["values"]["ECE"]


def test_the_metrics_of_an_engine_share_their_counts(data, tmp_path):
    engine = engines.build_engine(config(data, tmp_path))
    ours = engine.eval_metric_func.metric_func_list[1:]
    assert len(ours) == 7 and len({id(metric.predictions) for metric in ours}) == 1


def test_the_log_of_a_training_that_does_not_evaluate_has_the_groups_of_its_metric(weights):
    log = next(weights.parent.glob("train.log")).read_text()
    assert "imbalance ratio 15; 3 many, 4 medium, 3 few-shot classes" in log


def test_the_table_in_the_log_of_an_evaluation(data, weights, tmp_path):
    engine = engines.build_engine(evaluated.settings(data, weights, tmp_path, *evaluated.SETS[0]), "eval")
    engine.eval()
    lines = next(tmp_path.rglob("eval.log")).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "class images  recall  precision  F1" in line)
    rows = [line.split("[Eval]")[1].split() for line in lines[start + 1 :]]
    (record,) = history.read(next(tmp_path.rglob("eval_metrics.jsonl")))
    assert [int(row[0]) for row in rows] == list(range(10))
    assert [int(row[1]) for row in rows] == record["per_class"]["support"]
    assert rows[4][1:3] == ["0", "nan"]


@pytest.mark.slow
def test_counts_of_the_training_need_its_list_and_not_its_images(data, tmp_path):
    """As on a machine to which the test images alone were copied."""
    copy = shutil.copytree(data, tmp_path / "digits")
    engines.write_yaml(engines.packaged("ce", copy, tmp_path / "out", epochs=1), tmp_path / "ce.yaml")
    assert commands.run(tmp_path, "train", "-c", "ce.yaml", "--recipe", "logit_adjusted").returncode == 0
    shutil.rmtree(copy / "train")
    done = commands.run(tmp_path, "eval", "--run", "out")
    assert done.returncode == 0, done.errors
    assert "many" in done.output + done.errors


def with_group_choice(settings, **changes):
    settings["Metric"]["Eval"][1]["ManyMediumFewAcc"].update(changes)
    settings["Global"]["best_metric"] = "few"


def without_the_tail(settings, tmp_path, data):
    lines = (data / "test.txt").read_text().splitlines()
    path = tmp_path / "head.txt"
    path.write_text("\n".join(line for line in lines if int(line.split()[1]) < 7) + "\n")
    settings["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(path)
    with_group_choice(settings)


MISTAKES = {
    "misspelt": (lambda s, *_: s["Global"].update(best_metric="fewer"), "one of top1, overall.*did you mean 'few'"),
    "another type": (lambda s, *_: s["Global"].update(best_metric=1), "one of top1, overall"),
    "not listed": (lambda s, *_: s["Global"].update(best_metric="top5"), "one of top1, overall"),
    "never evaluated": (
        lambda s, *_: s["Global"].update(best_metric="few", eval_during_train=False),
        "left out unless `eval_during_train` is true",
    ),
    "retrieval": (
        lambda s, *_: s["Global"].update(best_metric="few", eval_mode="retrieval"),
        "left out unless `eval_mode` is classification",
    ),
    "no class in the group": (lambda s, *_: with_group_choice(s, thresholds=[20, 1]), "a group .* got 'few'"),
    "no image in the group": (without_the_tail, "a group of classes that the evaluation set holds, got 'few'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_best_metric_that_cannot_choose(mistake, data, tmp_path):
    settings = config(data, tmp_path / "out")
    change, message = MISTAKES[mistake]
    change(settings, tmp_path, data)
    with pytest.raises(ConfigError, match=f"(?m)^Global: `best_metric` must be {message}"):
        engines.build_engine(settings)
    assert not list((tmp_path / "out").rglob("*.pdparams"))


def test_metrics_listed_twice_or_with_wrong_parameters(data, tmp_path):
    settings = config(data, tmp_path)
    settings["Metric"]["Eval"].append({"ECE": {"bins": 10}})
    with pytest.raises(ConfigError, match=r"^Metric.Eval\[8\]: ECE is listed twice \(Metric.Eval\[7\]\)"):
        engines.build_engine(settings)
    settings["Metric"]["Eval"][7:] = [{"ECE": {"bins": 0}}]
    with pytest.raises(ConfigError, match="^ECE: `bins` must be an integer >= 1"):
        engines.build_engine(settings)
    settings["Metric"]["Eval"][7:] = [{"BalancedAcc": {"adjusted": True}}]
    with pytest.raises(ConfigError, match="unknown parameter 'adjusted'"):
        engines.build_engine(settings)


@pytest.mark.parametrize("name", evaluated.EVERY)
def test_metrics_belong_into_the_evaluation(name, data, tmp_path):
    settings = config(data, tmp_path)
    settings["Metric"]["Train"] = [{name: None}]
    with pytest.raises(ConfigError, match=f"^Metric.Train: {name} belongs into Metric.Eval"):
        engines.build_engine(settings)


@pytest.mark.skipif(not os.environ.get("PADDLECLAS_ROOT"), reason="needs a newer checkout: set PADDLECLAS_ROOT")
def test_the_averaged_weights_are_kept_beside_the_others(data, tmp_path):
    """2.5 and develop evaluate a moving average of the weights too."""
    script = tmp_path / "averaged.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from tests import engines\n"
        "data, out = map(Path, sys.argv[1:])\n"
        "settings = engines.digits_config(data, out, losses=[{'CELoss': {'weight': 1.0}}],\n"
        "                                 eval_during_train=True, best_metric='few', use_visualdl=True)\n"
        "settings['EMA'] = {'decay': 0.9}\n"
        "engines.build_engine(settings).train()\n"
    )
    out = tmp_path / "out"
    result = engines.run([script, data, out], cwd=tmp_path, python_path=[os.environ["PADDLECLAS_ROOT"]])
    assert result.returncode == 0, result.stdout
    records = history.read(next(out.rglob("metrics.jsonl")))
    assert [(r["epoch"], r["ema"]) for r in records] == [(1, False), (1, True), (2, False), (2, True)]
    from visualdl import LogReader

    (path,) = out.rglob("vdlrecords*.log")
    log = LogReader(file_path=str(path))
    for group, ema in (("eval", False), ("eval_ema", True)):
        wanted = [r["values"]["overall"] for r in records if r["ema"] == ema]
        assert [p.value for p in log.get_data("scalar", f"{group}/overall")] == pytest.approx(wanted)
