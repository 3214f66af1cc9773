"""Which label is which class where ``relabel: true`` renumbers them: one mapping, that of the training list."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..basis import checks
from ..basis.checks import ConfigError
from ..data.counts import count_label_list
from ..runs import files as run_files
from .reading import class_number, reads_list

_log = logging.getLogger("ppcls.lt")


def wanted(config: dict, part: str) -> bool:
    """Whether a part of ``DataLoader`` is to be renumbered."""
    return bool((((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}).get("relabel", False))


def check(config: dict, parts: Sequence[str]) -> None:
    """Raise where the lists show that the renumbered labels are not the classes.

    Args:
        config (dict): the host's configuration.
        parts (list of str): which of ``Train`` and ``Eval`` are built.

    Raises:
        ConfigError: one list is renumbered and the other is not, an evaluation label is not in the training list,
            or there are more labels than classes.
    """
    if config["Global"].get("eval_mode", "classification") != "classification":
        return
    if not any(wanted(config, part) for part in parts):
        return
    labels = {part: _listed(config, part) for part in ("Train", "Eval")}
    recorded = None if "Train" in parts else _recorded(config)  # whatever the training list has become since
    classes = labels["Train"] if recorded is None else recorded
    if classes is None:
        return
    if wanted(config, "Train") and class_number(config) is not None and len(classes) > class_number(config):  # type: ignore[operator]  # a number
        got = checks.described(f"{class_number(config)} for {len(classes)} labels")
        checks.fail("Arch", "class_num", "as many as DataLoader.Train.dataset has labels, or more", got)
    if "Eval" not in parts or labels["Eval"] is None:
        return
    dense = classes == list(range(len(classes)))
    for part, other in (("Train", "Eval"), ("Eval", "Train")):
        # An evaluation alone may come without the section of the training.
        if wanted(config, part) and config["DataLoader"].get(other) and not wanted(config, other) and not dense:
            expected = f"true where that of DataLoader.{part} is: one mapping, that of the training list, is for both"
            checks.fail(f"DataLoader.{other}.dataset", "relabel", expected, False)
    missing = [label for label in labels["Eval"] if label not in set(classes)]
    if wanted(config, "Eval") and missing:
        shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        path = config["DataLoader"]["Eval"]["dataset"]["cls_label_path"]
        expected = "true with a list of labels that the training list has"
        checks.fail("DataLoader.Eval.dataset", "relabel", expected, checks.described(f"others in {path}: {shown}"))


def with_classes(config: dict, part: str, settings: dict, trained: Sequence[int] | None) -> dict:
    """Return the host's ``DataLoader`` section with the labels of the training in the place of ``relabel: true``.

    Args:
        config (dict): the whole configuration.
        part (str): the part that is to be built.
        settings (dict): the section as the host was given it.
        trained (list of int or None): the labels of the training list, in the order of their classes.

    Raises:
        ConfigError: they are not known to an evaluation.
    """
    dataset = (settings.get(part) or {}).get("dataset") or {}
    if dataset.get("relabel", False) is not True or part == "Train":
        return settings
    if config["Global"].get("eval_mode", "classification") != "classification":
        classes = False  # a retrieval compares labels, whatever they are called
    else:
        classes = trained if trained is not None else _of_training(config)
    changed = type(settings)(settings)
    changed[part] = type(settings[part])(settings[part])
    changed[part]["dataset"] = type(dataset)({**dataset, "relabel": classes})
    return changed


def _of_training(config):
    """The labels of the training whose weights are evaluated: as its folder says, else as its list does."""
    recorded = _recorded(config)
    if recorded is not None:
        return recorded
    weights = config["Global"].get("pretrained_model")
    classes = _listed(config, "Train") if wanted(config, "Train") else None
    if classes is None:
        raise ConfigError(
            "DataLoader.Eval.dataset: `relabel` needs the labels of the training, which stand in the run_info.json "
            "beside its weights or in the list of DataLoader.Train.dataset, got neither"
        )
    _log.warning("no run_info.json beside %s tells its labels: those of DataLoader.Train.dataset are taken", weights)
    return classes


def _recorded(config):
    """The labels that the folder of the weights says it was trained with, or None."""
    weights = config["Global"].get("pretrained_model")
    for folder in list(Path(weights).parents)[:2] if isinstance(weights, str) else []:
        path = folder / run_files.FILES["train"].info
        labels = run_files.read_info(path).get("labels") if path.is_file() else None
        if labels is not None:
            return labels
    return None


def _listed(config, part):
    """The labels that occur in the list of a part, sorted, or None where it is no such list."""
    dataset = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}
    path = dataset.get("cls_label_path")
    if not reads_list(dataset) or not isinstance(path, str) or not Path(path).is_file():
        return None
    owner = f"DataLoader.{part}.dataset"
    counts = count_label_list(path, owner=owner, delimiter=dataset.get("delimiter"), check_labels=False)
    return np.flatnonzero(counts).tolist()
