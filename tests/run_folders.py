"""Folders as runs leave them, written by the same writers, with random predictions; what reports of them hold."""

import base64
import csv
from html.parser import HTMLParser

import numpy as np

from ppcls_lt.data.groups import shot_groups
from ppcls_lt.data.profiles import long_tail_profile
from ppcls_lt.maths import scores
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import history

# In the order of the page.
PICTURES = ("distribution", "per_class", "curves", "over_epochs", "norms", "confusion", "calibration")
TABLES = ("confusion.csv", "curves.csv", "history.csv", "per_class.csv")
FILES = sorted(["report.html", *(f"report/{name}.png" for name in PICTURES), *(f"report/{name}" for name in TABLES)])


def write_run(
    folder,
    class_num=10,
    images=20,
    epochs=4,
    *,
    mode="train",
    ratio=50,
    thresholds=(100, 20),
    config=None,
    predict=True,
    **facts,
):
    """Write a run of which rarer classes are predicted worse; return the training images per class.

    Args:
        folder (Path): where the log would be.
        class_num (int): number of classes, in a mixed order of their counts.
        images (int): evaluation images of each class.
        epochs (int): evaluations.
        mode (str): ``train`` or ``eval``.
        ratio (int): imbalance ratio of the counts.
        thresholds: of ``ManyMediumFewAcc`` in the configuration.
        config (dict, optional): sections of the configuration besides.
        predict (bool): False leaves evaluations out.
        facts: entries of ``run_info.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = run_files.FILES[mode]
    draw = np.random.default_rng(class_num)
    counts = draw.permutation(long_tail_profile(300, ratio, class_num))
    groups = shot_groups(counts, thresholds)
    label = np.repeat(np.arange(class_num), images)
    kept = history.History(folder / files.history, resume=False)
    for epoch in range(1, epochs + 1 if predict else 1):
        chance = 0.9 * (epoch / epochs) * (0.3 + 0.7 * np.log(counts) / np.log(counts.max()))
        hit = draw.random(label.size) < chance[label]
        guess = np.where(hit, label, draw.choice(class_num, label.size, p=counts / counts.sum()))
        support, right = (np.bincount(each, minlength=class_num) for each in (label, label[label == guess]))
        recall = scores.recall(support, right)
        overall = float(np.mean(label == guess))
        kept.append(
            {
                "epoch": epoch,
                "ema": False,
                "best_metric": None,
                "score": overall,
                "values": {"top1": overall, **{group: scores.mean(recall[m]) for group, m in groups.items()}},
                "loss": {"CELoss": 3.0 / epoch},
                "classifier": {
                    "name": "fc",
                    "kind": "Linear",
                    "norm": (1 + 0.2 * np.log(counts) + draw.normal(0, 0.05, class_num)).tolist(),
                },
                "per_class": {"recall": recall.tolist()},
            }
        )
    if predict:
        confidence = np.clip(draw.beta(5, 2, label.size), 1 / class_num, 1)
        found = run_files.Predictions(label, guess, confidence, class_num, epochs)
        run_files.write_predictions(folder / files.predictions, found)
    metrics = [{"TopkAcc": {"topk": 1}}, {"ManyMediumFewAcc": {"num_class_list": "auto", "thresholds": thresholds}}]
    settings = {
        "Global": {"epochs": epochs, "output_dir": str(folder)},
        "Arch": {"name": "ResNet18", "class_num": class_num},
        "Metric": {"Eval": metrics},
        **(config or {}),
    }
    run_files.write_config(folder / files.config, settings)
    run_files.write_info(
        folder / files.info,
        {
            "mode": mode,
            "folder": str(folder),
            "run": "5eed" if mode == "train" else None,
            "stage": 1,
            "stages": 1,
            "started": "2026-01-01T08:00:00+00:00",
            "seed": 0,
            "processes": 1,
            "device": "cpu",
            "counts": counts.tolist(),
            "class_names": None,
            "versions": {"ppcls_lt": "0.1.0", "paddle": "3.3.1"},
            **facts,
        },
    )
    return counts


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.links, self.ids, self.text, self.pictures = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "img":
            self.pictures.append(base64.b64decode(attributes["src"].partition("base64,")[2], validate=True))

    def handle_data(self, data):
        self.text.append(data)

    @property
    def all_text(self):
        return " ".join("".join(self.text).split())


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def column(table, name):
    return np.array([row[name] or "nan" for row in table], dtype=float)


def is_whole(page):
    """Nothing comes from outside, and every link within the page leads somewhere."""
    for link in page.links:
        assert link.startswith(("data:", "#")), link
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    used = {tag for tag, _ in page.tags}
    assert not used & {"script", "iframe", "object", "embed", "video", "audio", "base", "form"}
    (policy,) = (each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;") and "http" not in policy
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
    return page
