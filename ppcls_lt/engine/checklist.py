"""What a configuration is held to before anything is built: a list of checks, each of which yields all that it finds.

A further check is one entry of ``CHECKS``.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from ..basis.findings import ConfigError, Finding, of, raise_all
from ..configuration import (
    adapters,
    callback_entries,
    count_checks,
    devices,
    held_out,
    host_rules,
    label_kinds,
    model_record,
    named_data,
    places,
    plugins,
    precision,
    processes,
    relabelling,
    sampler_checks,
    schema,
    stages,
    structure,
    tail_metric,
    uniform_output,
    validation,
    values,
)
from . import evaluation, nonfinite, recording, resuming, serving, unreadable, weights

_MODES = ("train", "eval", "infer", "export")
# What a check may stumble over in a configuration in which mistakes have been found.
_STUMBLES = (TypeError, ValueError, LookupError, AttributeError, OverflowError)


class Check(NamedTuple):
    """One check.

    Attributes:
        findings (callable): ``(stage, mode)`` -> what is wrong, an iterable of ``Finding``; a ``ConfigError`` that it
            raises counts as well.
        needs (tuple of str): paths; where something is wrong at, above or below one of them, it is not run, since it
            would say the same mistake again in other words.
        modes (tuple of str): in which it is run.
        whole (bool): whether it is given the stages together, a list, and not one after the other.
        imports (bool): whether it imports code of the user's, which is done where nothing else is wrong.
    """

    findings: Callable
    needs: tuple = ()
    modes: tuple = _MODES
    whole: bool = False
    imports: bool = False


def _parts(check):
    """A check that takes which parts of ``DataLoader`` a mode builds in the place of the mode."""
    return lambda stage, mode: check(stage, validation.parts(stage, mode))


def _without_mode(check):
    return lambda stage, mode: check(stage)


_DATA = ("DataLoader", "Arch.class_num", "Global.eval_mode")
# In this order.
CHECKS = (
    Check(validation.sections),
    Check(schema.findings),
    Check(validation.entries),
    Check(_parts(values.findings)),
    Check(_parts(host_rules.evaluation)),
    Check(_parts(host_rules.samplers)),
    Check(_parts(host_rules.margins)),
    Check(_parts(host_rules.files)),
    Check(_without_mode(devices.findings)),
    Check(_without_mode(processes.findings)),
    Check(validation.training),
    Check(validation.paths),
    Check(uniform_output.findings),
    Check(validation.lists),
    Check(_parts(lambda stage, parts: of(label_kinds.check, stage, parts))),
    Check(_parts(lambda stage, parts: of(label_kinds.check_rows, stage, parts))),
    Check(validation.losses, needs=("Arch.class_num",)),
    Check(validation.scale, needs=("Loss", "Callbacks", "Arch.class_num", "Arch.classifier")),
    Check(validation.label_lists),
    Check(
        _parts(named_data.findings), needs=("DataLoader.Train.dataset.image_root", "DataLoader.Eval.dataset.image_root")
    ),
    Check(_parts(lambda stage, parts: of(relabelling.check, stage, parts)), needs=_DATA),
    Check(_parts(count_checks.findings), needs=("DataLoader.Train.dataset", "Arch.class_num", "Global.eval_mode")),
    Check(
        _without_mode(sampler_checks.findings),
        needs=("DataLoader.Train.dataset", "DataLoader.Train.sampler.batch_size", "Arch.class_num"),
        modes=("train",),
    ),
    Check(_without_mode(sampler_checks.with_dali), modes=("train",)),
    Check(_without_mode(sampler_checks.with_indices), needs=("Loss", "Metric", "Callbacks"), modes=("train",)),
    Check(weights.findings),
    Check(adapters.findings, needs=("Global.pretrained_model",), whole=True),
    Check(_without_mode(held_out.findings)),
    Check(serving.findings, needs=("Global.eval_mode", "Arch", "Infer")),
    Check(evaluation.findings, needs=("Arch.class_num",)),
    Check(_without_mode(unreadable.findings)),
    Check(_without_mode(lambda stage: of(nonfinite.check, stage))),
    Check(_without_mode(recording.findings), modes=("train",), whole=True),
    Check(_without_mode(resuming.findings), modes=("train",), whole=True),
    Check(
        lambda plan, mode: of(model_record.check, plan[-1]),
        needs=("Arch", "Loss", "Global.pretrained_model"),
        modes=_MODES[1:],
        whole=True,
    ),
    Check(places.outputs),
    Check(
        _without_mode(lambda stage: callback_entries.findings(stage, lambda name: not callback_entries.is_path(name))),
        needs=("Global.epochs",),
        modes=("train",),
    ),
    Check(
        _without_mode(lambda stage: callback_entries.findings(stage, callback_entries.is_path)),
        modes=("train",),
        imports=True,
    ),
)


def checked_plan(config: dict, mode: str) -> list[dict]:
    """Return the stages of a configuration after every check that needs nothing built; to train, all of them.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.

    Raises:
        ConfigError: everything that is wrong, and where.
    """
    plan, found = looked_over(config, mode)
    raise_all(found)
    schema.tell_unread(plan, mode)
    for stage in plan:
        weights.settle(stage)
    return plan


def looked_over(config: dict, mode: str) -> tuple[Any, list[Finding]]:
    """Return ``(stages, findings)``: what a configuration comes to, as far as it can be resolved, and all its mistakes.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.

    Returns:
        The configuration of every stage, a list, to do something else than train of the last alone; None where the
        file is too broken to tell. And a list of ``Finding``, each mistake once, however many stages have it.
    """
    found = list(structure.sections(config)) or list(of(plugins.load, config.get("Global") or {}))
    if found:
        return None, found
    try:
        whole = stages.plan(config)
    except ConfigError as error:
        return None, list(error.findings)
    mistakes = _Mistakes(config)
    for index, stage in enumerate(whole):
        mistakes.add(index, structure.sections(stage))
    if mistakes.all:
        return None, mistakes.all
    if isinstance(config.get("Global"), dict):
        mistakes.add(None, of(plugins.check, config["Global"], whole))
    plan = dict(enumerate(_settled(stage, mode) for stage in whole))
    if mode != "train" and len(plan) > 1:
        # The last stage's model, with the weights that the file names: `plan` keeps those for the first.
        last = len(plan) - 1
        plan = {last: plan[last]}
        plan[last]["Global"]["pretrained_model"] = config["Global"].get("pretrained_model")
    for check in CHECKS:
        if mode not in check.modes or (check.imports and mistakes.all):
            continue
        for index, subject in [(None, list(plan.values()))] if check.whole else plan.items():
            if not mistakes.at(index, check.needs):
                mistakes.add(index, check.findings(subject, mode))
    return list(plan.values()), mistakes.all


def _settled(stage, mode):
    """A stage as it can be carried out here."""
    return devices.settled(precision.settled(tail_metric.brought(stage, mode)), mode)


class _Mistakes:
    """The findings so far: what stands at the place of an earlier one, or below it, is the same mistake.

    So is what a later check says of a whole of which an earlier one has named a part.

    Attributes:
        all (list of Finding): each mistake once.
    """

    def __init__(self, config: dict) -> None:
        self.all: list[Finding] = []
        self._stages = stages.own(config)
        self._by_stage: dict = {}

    def add(self, index, findings):
        """Take the findings of one check on the stage of an index, or on all of them (None)."""
        new = []
        try:
            for finding in findings:
                new.append(finding)
        except ConfigError as error:
            new += error.findings
        except _STUMBLES:
            # A value that was found wrong before is none that this check can read; without one it is a fault of ours.
            if not self.all and not new:
                raise
        before = list(self.all)
        for finding in new:
            # The path in the file, where a stage brings it.
            path, meant = (self._placed(index, path) for path in (finding.path, finding.meant))
            same = any(_within(path, other.path) or _within(path, other.meant) for other in self.all)
            if not same and not any(_within(other.path, path) for other in before):
                self.all.append(finding._replace(path=path, meant=meant))
            self._by_stage.setdefault(index, []).append(finding)

    def at(self, index, paths):
        """Whether something of a stage, or of any (None), was found at, above or below one of these paths."""
        groups = self._by_stage.values() if index is None else [self._by_stage.get(index, ())]
        known = [path for group in groups for finding in group for path in (finding.path, finding.meant) if path]
        return any(_within(one, other) or _within(other, one) for one in known for other in paths)

    def _placed(self, index, path):
        """The path, with its place in ``Stages`` where the entry of an index brings it."""
        if index is None or not path or index >= len(self._stages):
            return path
        inner = self._stages[index] or {}
        for part in path.split("."):
            if isinstance(inner, list):  # which replaces the one of the file
                break
            if not isinstance(inner, dict) or part not in inner:
                return path
            inner = inner[part]
        return f"Stages.{index}.{path}"


def _within(path, above):
    return bool(above) and (path == above or path.startswith(f"{above}."))
