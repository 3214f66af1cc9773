"""``relabel: true`` of newer checkouts: one mapping of labels to classes, kept with the run."""

import json
from pathlib import Path

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import relabelling

from . import engines
from .stock import CHECKOUT, needs_checkout

CLASSES = [3, 40, 1_000_003]


def configuration(tmp_path, train=(3, 40, 1_000_003, 3), evaluation=(40, 3), train_relabel=True, eval_relabel=True):
    """Lists with these labels and what a configuration says of them."""
    parts = {}
    wanted = {"Train": (train, train_relabel), "Eval": (evaluation, eval_relabel)}
    for part, (labels, relabel) in wanted.items():
        path = tmp_path / f"{part}.txt"
        path.write_text("".join(f"{number}.jpg {label}\n" for number, label in enumerate(labels)))
        parts[part] = {"dataset": {"name": "ImageNetDataset", "cls_label_path": str(path), "relabel": relabel}}
    return {"Global": {}, "Arch": {"class_num": 3}, "DataLoader": parts}


class TestLists:
    def test_lists_that_fit(self, tmp_path):
        relabelling.check(configuration(tmp_path), ["Train", "Eval"])
        labels = dict(train=(0, 1, 2), evaluation=(0, 2), eval_relabel=False)
        relabelling.check(configuration(tmp_path, **labels), ["Train", "Eval"])

    def test_a_label_that_the_training_lacks(self, tmp_path):
        changed = configuration(tmp_path, evaluation=(3, 41))
        with pytest.raises(ConfigError, match="^DataLoader.Eval.dataset: `relabel` .*got others in .*: 41$"):
            relabelling.check(changed, ["Train", "Eval"])

    def test_a_training_list_that_has_changed_since(self, tmp_path):
        """To evaluate, the labels that the run wrote down count, not what its list has become."""
        info = {"mode": "train", "started": "x", "run": "a", "stage": 1, "stages": 1, "counts": None, "labels": CLASSES}
        (tmp_path / "run_info.json").write_text(json.dumps(info))
        config = configuration(tmp_path, train=CLASSES[:1], evaluation=CLASSES)
        config["Global"]["pretrained_model"] = str(tmp_path / "best_model")
        relabelling.check(config, ["Eval"])
        with pytest.raises(ConfigError, match="labels that the training list has, got others"):
            relabelling.check(config, ["Train", "Eval"])

    def test_one_list_alone(self, tmp_path):
        changed = configuration(tmp_path, eval_relabel=False)
        with pytest.raises(ConfigError, match="^DataLoader.Eval.dataset: `relabel` must be true where that of DataL"):
            relabelling.check(changed, ["Train", "Eval"])
        relabelling.check(changed, ["Train"])

    def test_more_labels_than_classes(self, tmp_path):
        changed = configuration(tmp_path)
        changed["Arch"]["class_num"] = 2
        with pytest.raises(ConfigError, match="^Arch: `class_num` must be as many as .* 2 for 3 labels"):
            relabelling.check(changed, ["Train", "Eval"])

    def test_an_evaluation_takes_those_of_the_run(self, tmp_path):
        changed = configuration(tmp_path, train=(40, 3))
        changed["Global"]["pretrained_model"] = str(tmp_path / "latest")
        info = {"mode": "train", "started": "x", "run": "a", "stage": 1, "stages": 1, "counts": None, "labels": CLASSES}
        section = relabelling.with_classes(changed, "Eval", changed["DataLoader"], None)
        assert section["Eval"]["dataset"]["relabel"] == [3, 40]  # of the list, said in the log
        (tmp_path / "run_info.json").write_text(json.dumps(info))
        section = relabelling.with_classes(changed, "Eval", changed["DataLoader"], None)
        assert section["Eval"]["dataset"]["relabel"] == CLASSES
        assert changed["DataLoader"]["Eval"]["dataset"]["relabel"] is True

    def test_an_evaluation_that_knows_none(self, tmp_path):
        changed = configuration(tmp_path)
        Path(changed["DataLoader"]["Train"]["dataset"]["cls_label_path"]).unlink()
        with pytest.raises(ConfigError, match="needs the labels of the training, which stand in the run_info.json"):
            relabelling.with_classes(changed, "Eval", changed["DataLoader"], None)

    def test_a_retrieval_compares_labels(self, tmp_path):
        changed = configuration(tmp_path)
        changed["Global"]["eval_mode"] = "retrieval"
        section = relabelling.with_classes(changed, "Eval", changed["DataLoader"], None)
        assert section["Eval"]["dataset"]["relabel"] is False


SCRIPT = """
import json, sys
from pathlib import Path
from tests import engines
data, out = map(Path, sys.argv[1:])
# Labels that a set does not give in their order, and another order in each list.
for name in ("train", "test"):
    pairs = [line.split(" ") for line in (data / f"{name}.txt").read_text().splitlines()]
    if name == "test":
        pairs = [pair for pair in pairs[::-1] if pair[1] != "0"]
    lines = [f"{image} {(int(label) * 7919 + 5) % 100003}\\n" for image, label in pairs]
    (out / f"{name}.txt").write_text("".join(lines))
def settings(mode, **options):
    result = engines.digits_config(data, out / mode, losses=[{"CELoss": {"weight": 1.0}}], seed=1, **options)
    for part, name in (("Train", "train"), ("Eval", "test")):
        result["DataLoader"][part]["dataset"].update(cls_label_path=str(out / f"{name}.txt"), relabel=True)
    return result
engine = engines.build_engine(settings("train", epochs=6, eval_during_train=True))
old = {p: (i * 7919 + 5) % 100003 for i in range(10) for p in [i]}
order = sorted(old.values())
for loader, name in ((engine.train_dataloader, "train"), (engine.eval_dataloader, "test")):
    lines = [line.split(" ") for line in (out / f"{name}.txt").read_text().splitlines()]
    assert loader.dataset.labels == [order.index(int(label)) for _, label in lines], name
engine.train()
weights = engines.saved(out / "train")
assert json.loads((weights.parent / "run_info.json").read_text())["labels"] == order
(out / "train.txt").unlink()
wanted = settings("eval", pretrained_model=str(weights))
wanted["Metric"]["Eval"] = [{"TopkAcc": {"topk": 1}}]
del wanted["DataLoader"]["Train"]
print("top1", engine.eval(0), engines.build_engine(wanted, "eval").eval())
"""


@needs_checkout
def test_one_mapping_for_both_lists_and_for_the_evaluation_of_the_weights(tmp_path):
    """It was another for each list: 0.16 where 0.82 is right."""
    data = engines.write_digits(tmp_path / "digits")
    script = tmp_path / "relabel.py"
    script.write_text(SCRIPT)
    (tmp_path / "out").mkdir()
    result = engines.run([script, data, tmp_path / "out"], cwd=tmp_path, python_path=[CHECKOUT])
    assert result.returncode == 0, result.stdout
    trained, alone = result.stdout.split("top1 ")[-1].split()[:2]
    assert float(trained) == pytest.approx(float(alone), abs=1e-6) and float(alone) > 0.5
