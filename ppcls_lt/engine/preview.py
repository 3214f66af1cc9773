"""What a configuration would do, without doing it: its data, its class weights, and what would be written where."""

from __future__ import annotations

from pathlib import Path

from .. import host
from ..basis.checks import some
from ..basis.findings import ConfigError, of, place
from ..basis.registry import found
from ..configuration import callback_entries, plain, sampler_checks, schema, stages, structure, trying, validation
from ..configuration import reading as configuration
from ..losses import LongTailLoss
from ..runs import checkpoints
from ..runs import files as run_files
from . import beginning, checklist


def look(config: dict, mode: str) -> dict:
    """Return everything that is known of a configuration before anything is built: plain maps, lists and values.

    No model is built, no image is decoded and nothing is written.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.

    Returns:
        dict: ``mode``; ``findings``, maps of ``path``, ``must``, ``got``, ``remedy`` and ``text``; ``unread``, the
        keys that nothing reads; ``begins``, what a training does first, or None; ``stages``, one or, to train, all of
        them: ``configuration``, ``device``, ``counts`` (training images per class, or None where the list does not
        tell), ``class_weights`` and ``class_shares`` (of the images that a sampler draws), maps of ``path``, ``epoch``
        from which they hold and ``values`` by class, and ``writes``, maps of ``path`` and ``what``. Where something
        was found, the rest is what can be told all the same.
    """
    plan, found = checklist.looked_over(config, mode)
    for stage in plan or []:
        found += [finding for finding in _images(stage, mode, found) if finding not in found]
    begins = None
    if plan and not found and mode == "train":
        try:
            begins = _begins(plan)
        except ConfigError as error:
            found += error.findings
    return {
        "mode": mode,
        "findings": [_as_map(finding) for finding in found],
        "unread": list(dict.fromkeys(key for stage in plan or [] for key in _unread(stage, mode))),
        "begins": begins,
        "stages": [_stage(stage, mode, plan, found) for stage in plan or []],
    }


def unreadable(error: ConfigError, mode: str) -> dict:
    """What :func:`look` returns for a configuration that cannot be read, by the ``ConfigError`` that says why."""
    findings = [_as_map(finding) for finding in error.findings]
    return {"mode": mode, "findings": findings, "unread": [], "begins": None, "stages": []}


def _as_map(finding):
    return {key: getattr(finding, key) for key in ("path", "must", "got", "remedy", "text")}


def _images(stage, mode, found):
    """What the host would find missing of the images of a list, as it reads it."""
    if mode not in ("train", "eval") or any(finding.path.startswith("DataLoader") for finding in found):
        return
    parts = [f"DataLoader.{part}" for part in validation.parts(stage, mode)]
    for where, section in structure.loaders(stage):  # of a retrieval those below a part, its query and gallery
        dataset = section.get("dataset") or {}
        if any(f"{where}.".startswith(f"{part}.") for part in parts) and configuration.reads_list(dataset):
            yield from of(configuration.check_images, dataset, f"{where}.dataset")


def _begins(plan):
    """Where a training begins, in words."""
    start = beginning.start_of(plan)
    stage = f" (stage {start.index + 1} of {len(plan)})" if len(plan) > 1 else ""
    if start.is_complete:
        return f"nothing is left to train: {start.checkpoint} has all epochs"
    if start.checkpoint is None:
        weights = plan[start.index]["Global"].get("pretrained_model")
        return f"from the start{stage}" + (f", from the weights {weights}" if weights else "")
    return f"goes on from {start.checkpoint}, after epoch {checkpoints.epoch_of(start.checkpoint)}{stage}"


def _unread(stage, mode):
    try:
        return schema.looked_over(stage, mode)[1]
    except ConfigError:
        return []


def _stage(stage, mode, plan, found):
    counts = _counts(stage)
    section = stage.get("Global") if isinstance(stage.get("Global"), dict) else {}
    config = {key: value for key, value in stage.items() if key not in ("profiler_options", "start_from")}
    sound = not found  # of wrong parameters nothing can be computed
    return {
        "configuration": plain.plain(config),
        "device": section.get("device"),
        "counts": None if counts is None else counts.tolist(),
        "class_weights": _class_weights(stage, counts) if sound and counts is not None and mode == "train" else [],
        "class_shares": _class_shares(stage) if sound and counts is not None and mode == "train" else [],
        "writes": _writes(stage, mode, plan) if sound else [],
    }


def _counts(stage):
    """Training images per class ``[C]``, or None where the list does not tell them."""
    try:
        return configuration.listed_counts(stage)
    except ConfigError:
        return None


def _class_weights(stage, counts):
    """The class weights of every training loss that has some, and those that callbacks will set."""
    result = []
    begins = _first_epochs(stage).get("loss", 1)
    for where, name, params in configuration.sound(stage, "Loss", "Train"):
        loss = found("loss", name, params) or object
        if not issubclass(loss, LongTailLoss):
            continue
        params = {key: value for key, value in params.items() if key != "weight"}
        if params.get("num_class_list") is not None:
            params["num_class_list"] = counts.tolist()  # which is checked
        weights = loss(**params).class_weight
        if weights is not None:
            first = begins if where.startswith("Loss") else 1  # another stands before a scheduled one
            result.append({"path": place(f"{where} {name}"), "epoch": first, "values": weights.tolist()})
    for where, name, params in configuration.sound(stage, "Callbacks", None):
        (callback,) = callback_entries.build({"Callbacks": [{name: params}]})
        coming = callback.coming_class_weights(counts, stage["Global"]["epochs"])
        if coming is not None and coming[1] is not None:
            result.append({"path": place(f"{where} {name}"), "epoch": coming[0], "values": coming[1].tolist()})
    return result


def _first_epochs(stage):
    """``loss`` or ``sampler`` -> the first epoch in which what the stage states of it holds, where callbacks say it."""
    found = {}
    for _, name, params in configuration.sound(stage, "Callbacks", None):
        (callback,) = callback_entries.build({"Callbacks": [{name: params}]})
        found.update(callback.first_epochs(stage["Global"]["epochs"]))
    return found


def _class_shares(stage):
    """The share of each class among the images that this package's sampler draws, where it begins, changes and ends."""
    sampler = trying.outcome(sampler_checks.findings(stage))
    epochs = stage["Global"]["epochs"]
    if sampler is None or not hasattr(sampler, "class_shares") or epochs == 0:
        return []
    if stage["DataLoader"]["Train"]["sampler"].get("indices") is not None:
        return []  # which are images of the list in its order
    sampler.join_run(seed=0, epochs=epochs)
    start = _first_epochs(stage).get("sampler", 1)
    if start > 1:
        sampler.defer(start - 1)
    result: list[dict] = []
    for epoch in dict.fromkeys((1, start, epochs)):
        values = sampler.class_shares(epoch - 1).tolist()
        if not result or values != result[-1]["values"]:
            result.append({"path": "DataLoader.Train.sampler", "epoch": epoch, "values": values})
    return result


def _writes(stage, mode, plan):
    """What a stage writes: maps of ``path`` and ``what``."""
    section = stage["Global"]
    root = Path(section["output_dir"])
    folder = root / str(stage["Arch"].get("name")) if host.saves_below_name() else root
    evaluates = mode == "eval" or section.get("eval_during_train", True)
    found = [(folder / f"{mode}.log", "the log")]
    if mode == "train":
        nested = section.get("uniform_output_enabled", False)
        kept = [(checkpoints.LATEST, "the checkpoint of the last epoch")]
        kept += [("best_model", "the checkpoint of the best epoch")] if evaluates else []
        if 0 < section["save_interval"] <= section["epochs"]:
            kept.append(("epoch_*", f"a checkpoint, every {some(section['save_interval'], 'epoch')}"))
        found += [(folder / (prefix if nested else "") / f"{prefix}.pd*", what) for prefix, what in kept]
    if mode in run_files.FILES:
        names = run_files.FILES[mode]
        found += [(folder / names.config, "the configuration"), (folder / names.info, "facts of the run")]
        if evaluates:
            found += [(folder / names.history, "the values of each evaluation")]
            found += [(folder / names.predictions, "the predictions of the last evaluation")]
    if mode == "train" and section.get("report", False) and stage is plan[-1]:
        found.append((stages.output_dir(plan) / "report.html", "the report"))
    if mode == "export":
        found.append((Path(str(section["save_inference_dir"])) / "inference.*", "the exported model"))
    return [{"path": str(path), "what": what} for path, what in found]
