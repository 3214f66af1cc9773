"""What must stay the same for a run to go on, and the epochs that can be added to it."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..basis import checks, yaml_files
from ..basis.findings import ConfigError, Finding, of
from ..configuration import plain, schedules
from ..configuration.renewed import renewed
from ..runs import earlier as earlier_runs
from ..runs import files as run_files
from ..runs import marks as run_marks
from . import listed

_log = logging.getLogger("ppcls.lt")
SCHEDULES = ("stretch", "restart")
# When a training is evaluated, by which `ReduceOnPlateau` lowers the rate; of other schedules that changes no weight.
_EVALUATED = tuple(("Global", key) for key in ("eval_during_train", "eval_interval", "start_eval_epoch"))
_PLATEAU = "ReduceOnPlateau"
# Settings in which the run that goes on may differ: they change no weight, or are read at the start of a run alone.
# A star stands for any name; what lies below a path belongs to it. Of a loader the number of workers is told, by which
# random draws differ.
HARMLESS = (
    *(
        ("Global", key)
        for key in (
            *("output_dir", "save_inference_dir", "device", "print_batch_step", "log_ranks", "use_visualdl"),
            *("save_interval", "image_shape"),
            *("checkpoints", "pretrained_model", "report", "plugins", "plugins_from"),
        )
    ),
    ("Arch", "pretrained"),
    ("DataLoader", "*", "loader"),
    ("DataLoader", "*", "dataset", "image_root"),
    ("DataLoader", "*", "dataset", "cls_label_path"),  # their content is compared
    ("DataLoader", "Eval", "sampler", "batch_size"),
    ("Metric", "Train"),
    ("Infer",),
)
_SHOWN = 4


class Extension(NamedTuple):
    """Epochs that were added to a run."""

    start: int  # the epoch after which they were added
    to: int  # the epochs of the run with them
    schedule: str  # stretch: that of a run of so many epochs; restart: anew over those that were added

    @property
    def scheduled(self) -> int:
        """The epochs over which the learning rate's schedule goes."""
        return self.to if self.schedule == "stretch" else self.to - self.start


def findings(plan: Sequence[dict]) -> Iterator[Finding]:
    """Yield every mistake in ``Global.overwrite``, ``extend_to`` and ``extend_schedule`` that shows in themselves."""
    section = plan[0]["Global"]
    yield from of(checks.flag, "Global", "overwrite", section.get("overwrite", False))
    schedule, epochs = section.get("extend_schedule"), section.get("extend_to")
    if schedule is not None:
        yield from of(checks.choice, "Global", "extend_schedule", schedule, SCHEDULES)
        if epochs is None:
            yield checks.finding("Global", "extend_schedule", "be used with `extend_to`", schedule)
    if epochs is not None:
        yield from of(checks.integer, "Global", "extend_to", epochs, minimum=1)
        if plan[-1]["Global"]["epochs"] == 0:
            yield checks.finding("Global", "extend_to", "be left out where the last stage has no epochs", epochs)


def kept(stage: dict, extension: Extension | None) -> dict:
    """What a checkpoint keeps so that :func:`settle` can compare.

    Args:
        stage (dict): the stage's configuration, as :func:`stages.plan` gave it.
        extension (Extension or None): the epochs that were added to it.
    """
    return {
        "settings": plain.reusable(stage),
        "lists": listed.sums(stage),
        "extension": None if extension is None else list(extension),
    }


def decide(
    plan: Sequence[dict], index: int, *, checkpoint: str | None, state: dict | None, run: str | None
) -> tuple[Extension | None, bool]:
    """Decide how a training begins: return ``(extension or None, is it new)`` of the stage ``plan[index]``.

    Args:
        plan (list of dict): the configuration of every stage.
        index (int): the stage that begins or goes on.
        checkpoint (str or None): from which it goes on, without its ending.
        state (dict or None): what this package keeps of the run beside the checkpoint.
        run (str or None): the name of the run, where it is known without a checkpoint of this stage.

    Raises:
        ConfigError: another run's checkpoint would be replaced, or the run would not go on as what it was.
    """
    settings, stage = plan[0]["Global"], plan[index]
    root, arch = stage["Global"]["output_dir"], str(stage["Arch"].get("name"))
    if state is None and settings.get("extend_to") is not None:
        got = checks.described(f"{settings['extend_to']} with none in {root}")
        checks.fail("Global", "extend_to", "used with a whole checkpoint of this package", got)
    if checkpoint is None:
        goes_on = settings.get("resume", False)
        if run is not None:
            earlier_runs.check(plan, run, index)
        elif not (goes_on and run_marks.replaces(root)):
            own = run_marks.marked(root, arch) if goes_on else None
            earlier_runs.check(plan, own)
            # The training that begins anew has another name: what a later stage left is not its own.
            if own is not None:
                earlier_runs.check(plan, None, 1)
    else:
        # In the folder that it goes on in the run was asked when it began.
        at_home = not settings.get("checkpoints") or earlier_runs.is_at_home(checkpoint, stage)
        earlier_runs.check(plan, None if state is None else state["run"], index + at_home)
    return (None, False) if state is None else settle(stage, state, checkpoint, index + 1 == len(plan))  # type: ignore[arg-type]  # that of the state


def settle(stage: dict, state: dict, path: str | os.PathLike, is_last: bool) -> tuple[Extension | None, bool]:
    """Compare the stage that is to go on with the run of its checkpoint; return ``(extension or None, is it new)``.

    Args:
        stage (dict): the stage's configuration, as :func:`stages.plan` gave it.
        state (dict): of the run, as the checkpoint ``path`` keeps it. Of 0.1.0 it has no
            settings; those of the file beside it are taken.
        path (str or Path): the checkpoint, without its ending.
        is_last (bool): whether no stage comes after this one.

    Raises:
        ConfigError: a setting that matters or a list is another than in the run,
            or epochs cannot be added as asked.
    """
    section = stage["Global"]
    before = state.get("settings") or _settings_beside(path, state)
    differences = [] if before is None else _differences(renewed(before), renewed(plain.reusable(stage)))
    if not _lowered_by_evaluations(stage):
        differences = [each for each in differences if tuple(each[0].split(".")) not in _EVALUATED]
    if before is not None:
        _tell_workers(before, stage, path)
    lists = listed.sums(stage)
    for part, digest in (state.get("lists") or {}).items():
        if digest != lists.get(part):
            where = f"DataLoader.{part}.dataset.cls_label_path"
            differences.append((where, "the list as it was", "a list with another content"))
    if differences:
        raise ConfigError(_refusal(differences, state, path))
    added = state.get("extension")
    return _extension(section, None if added is None else Extension(*added), state["epoch"], path, is_last)


def _extension(section, before, epoch, path, is_last):
    wanted = section.get("extend_to")
    total = section["epochs"] if before is None else before.to
    if wanted is None:
        return before, False
    if not is_last:
        got = checks.described(f"{wanted} for {path}, which is of an earlier stage; let the run reach its last one")
        checks.fail("Global", "extend_to", "left out", got)
    if wanted == total:
        return before, False
    if wanted < total:
        checks.fail("Global", "extend_to", f"more than the {total} epochs of the run", wanted)
    return Extension(epoch, wanted, section.get("extend_schedule") or SCHEDULES[0]), True


def is_complete(plan: Sequence[dict], index: int, state: dict | None, extension: Extension | None) -> bool:
    """Whether a run that is to go on has all its epochs.

    Args:
        plan (list of dict): the configuration of every stage.
        index (int): the stage that goes on.
        state (dict or None): of the run, as its checkpoint keeps it.
        extension (Extension or None): the epochs that were added to it, or are now.
    """
    total = plan[index]["Global"]["epochs"] if extension is None else extension.to
    return state is not None and index + 1 == len(plan) and state["epoch"] >= total


def extended(stage: dict, extension: Extension | None) -> dict:
    """Return the stage's configuration with the epochs that were added; the schedule is stretched along."""
    if extension is None:
        return stage
    result = copy.deepcopy(stage)
    schedules.stretch(result, extension.scheduled / stage["Global"]["epochs"])
    result["Global"]["epochs"] = extension.to
    return result


def begin_schedules(loaded: list, fresh: list, extension: Extension) -> None:
    """Put the learning rates' schedules where an extension begins.

    Args:
        loaded (list): the Engine's schedules, as the checkpoint left them.
        fresh (list): copies from before it was loaded.
        extension (Extension): which begins now.
    """
    for schedule, other in zip(loaded, fresh):
        if extension.schedule == "stretch":
            if hasattr(schedule, "patience"):  # ReduceOnPlateau, which knows of no epochs
                continue
            # Several schedules go from one rate to the next, so every step is gone again.
            for _ in range(schedule.last_epoch - other.last_epoch):
                other.step()
        schedule.set_state_dict(other.state_dict())


def _lowered_by_evaluations(stage):
    found = stage.get("Optimizer")
    optimizers = (
        [params for entry in found for params in entry.values()] if isinstance(found, list) else [found]
    )  # a list holds `name: params`
    return any(((each or {}).get("lr") or {}).get("name") == _PLATEAU for each in optimizers)


def _tell_workers(before, stage, path):
    """Each worker of a loader draws from its own random numbers."""
    there, here = (
        ((each["DataLoader"].get("Train") or {}).get("loader") or {}).get("num_workers", 0) for each in (before, stage)
    )
    if there != here:
        said = "%s was saved by a run of %s workers of the training's loader, this one has %s: random numbers differ"
        _log.warning(said, path, there, here)


def _settings_beside(path, state):
    """The configuration that 0.1.0 wrote into the folder of a run, or None where it is not of this run."""
    names = run_files.FILES["train"]
    folder = Path(path).parent
    try:
        if run_files.read_info(folder / names.info)["run"] != state["run"]:
            return None
        return yaml_files.read_map(folder / names.config, "Global", "resume")
    except (OSError, ConfigError):
        return None


def _differences(old, new, place=()):
    """Yield ``(path, old, new)`` of every setting that matters; "nothing" where there is none."""
    if any(_within(place, harmless) for harmless in HARMLESS):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        names = dict.fromkeys([*old, *new])
        return [each for name in names for each in _differences(old.get(name), new.get(name), (*place, str(name)))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new))
        return [each for index, pair in pairs for each in _differences(*pair, (*place, str(index)))]
    return [] if old == new else [(".".join(place), old, new)]


def _within(place, harmless):
    return len(place) == len(harmless) and all(h in ("*", name) for name, h in zip(place, harmless))


def _refusal(differences, state, path):
    shown = "; ".join(f"{name}: {_short(old)} in the run, {_short(new)} now" for name, old, new in differences[:_SHOWN])
    more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    epochs = next((new for name, _, new in differences if name == "Global.epochs"), None)
    longer = f"To train longer, leave `epochs` and pass `--extend-to {epochs or 'EPOCHS'}` (`Global.extend_to`); t"
    return (
        f"Global: `resume` and `checkpoints` go on with the settings of the run alone, got other ones than those of "
        f"{path} (epoch {state['epoch']}): {shown}{more}. {longer}o train with other settings from these weights, name "
        f"them in Global.pretrained_model and choose another Global.output_dir"
    )


def _short(value, limit=60):
    text = "not set" if value is None else value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
