"""What the base configuration of a comparison must have, and must leave to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..basis import checks
from ..basis.findings import raise_all
from ..configuration import held_out, processes, values
from ..configuration import reading as configuration
from ..data.counts import count_label_list
from ..data.group_names import THRESHOLDS
from . import OWNER


def check_sections(base: dict) -> None:
    """Raise unless a base has what every comparison needs, and nothing that it sets itself.

    Raises:
        ConfigError: what is wrong.
    """
    for section in ("Global", "Arch", "DataLoader"):
        if not isinstance(base.get(section), dict):
            checks.fail("configuration", section, "a section, to compare", base.get(section))
    for key in ("recipe", "checkpoints"):
        if base["Global"].get(key) is not None:
            checks.fail("Global", key, "left out of the base of a comparison", base["Global"][key])
    if base.get("Stages") is not None:
        got = checks.described("Stages in the base; put them into a recipe file of your own")
        checks.fail("configuration", "Stages", "left out of the base of a comparison", got)
    for section, key in (("Global", "output_dir"), ("Arch", "name")):
        if not isinstance(base[section].get(key), str):
            checks.fail(section, key, "a text", base[section].get(key))


def set_processes(base: dict, number: int | None) -> None:
    """Let a base train in so many processes; None leaves what it says.

    Raises:
        ConfigError: the number, or what the base says, is none.
    """
    section = base["Global"]
    if number is not None:
        section[processes.KEY] = checks.integer(OWNER, "--processes", number, minimum=1)
    if number == 1 or section.get(processes.KEY, 1) is None:
        del section[processes.KEY]
    raise_all(processes.findings(base))


def checked_epochs(base: dict, epochs: int | None) -> int:
    """Return the epochs of every run; None for those of the base.

    Raises:
        ConfigError: they are none, or the schedules of the base cannot be stretched to them.
    """
    own = checks.integer("Global", "epochs", base["Global"].get("epochs"), minimum=1)
    found = own if epochs is None else checks.integer(OWNER, "--epochs", epochs, minimum=1)
    if found != own and isinstance(base.get("Optimizer"), list):
        checks.fail(OWNER, "--epochs", f"left out with a list of optimizers, or {own} as in the base", epochs)
    return found


def checked_seeds(seeds: Sequence[int]) -> list[int]:
    """Return the seeds of a comparison's trainings.

    Raises:
        ConfigError: one is none, or stands there twice.
    """
    found = [checks.integer(OWNER, "--seeds", seed, minimum=0) for seed in seeds]
    if max(found) > values.MOST_SEED:
        checks.fail(OWNER, "--seeds", "numbers below 2^32", max(found))
    if len(set(found)) < len(found):
        checks.fail(OWNER, "--seeds", "different numbers", found)
    return found


def check_data(base: dict) -> None:
    """Raise unless a base trains and tests on lists that can be read.

    Raises:
        ConfigError: what is wrong.
    """
    for part, use in (("Train", "the training list"), ("Eval", "the test list, which is read in the end")):
        if not (base["DataLoader"].get(part) or {}).get("dataset"):
            checks.fail(
                "DataLoader", part, f"a section with a dataset, {use}, to compare", base["DataLoader"].get(part)
            )
        dataset = (base["DataLoader"].get(part) or {}).get("dataset") or {}
        owner = f"DataLoader.{part}.dataset"
        if not configuration.reads_list(dataset):
            expected = f"one of {', '.join(configuration.IMAGE_LISTS)}, whose list can be split"
            checks.fail(owner, "name", expected, dataset.get("name"))
        if dataset.get("relabel", False):
            checks.fail(owner, "relabel", "false to compare, since a part of a list may lack a class", True)
        # The host would say so run by run.
        path: Any = dataset.get("cls_label_path")  # of whatever type: that is told
        count_label_list(path, owner=owner, delimiter=dataset.get("delimiter"))
        configuration.check_images(dataset, owner)
    if held_out.judges(base):
        path = base["DataLoader"]["Eval"]["dataset"]["cls_label_path"]
        got = checks.described(f"{path}, which Global.{held_out.EVAL} says is held out to choose by")
        remedy = (
            "give the test list, and this one by --val-list if you like; "
            f"where there is no other, Global.{held_out.EVAL}=False makes it the test list"
        )
        checks.fail("DataLoader.Eval.dataset", "cls_label_path", "the test list, to compare", got, remedy)


def check_rank_by(
    rank_by: str, groups: Mapping[str, np.ndarray], held_out: np.ndarray, seed: int | None = None
) -> None:
    """Raise unless the measure that decides is of classes with held-out images.

    Args:
        rank_by (str): a group, or another measure.
        groups (dict): name -> classes.
        held_out (array): images per class ``[C]`` that are.
        seed (int, optional): that holds them out, where it must judge alone.

    Raises:
        ConfigError: no class of the group has one.
    """
    if has_held_out(rank_by, groups, held_out):
        return
    members = groups[rank_by]
    sizes = ", ".join(f"{len(classes)} {group}" for group, classes in groups.items())
    more = f"of whose {len(members)} no image is held out" if len(members) else "--groups tertiles gives each a third"
    alone = "" if seed is None else f" by seed {seed}, which a budget judges alone at first"
    got = checks.described(f"{rank_by} with classes {sizes}; {more}{alone}")
    checks.fail(OWNER, "--rank-by", "a group of classes with held-out images", got)


def has_held_out(rank_by: str, groups: Mapping[str, np.ndarray], held_out: np.ndarray) -> bool:
    """Return whether the measure that decides is of classes with held-out images; see :func:`check_rank_by`."""
    members = groups.get(rank_by)
    return members is None or bool(held_out[members].any())


def completed(asked: Any, stated: Any) -> Any:
    """Thresholds as asked for, those of a pair that were not from what the base states."""
    if asked is None or isinstance(asked, str):
        return stated if asked is None else asked
    usual = THRESHOLDS if isinstance(stated, str) else stated
    many, few = (usual[i] if each is None else each for i, each in enumerate(asked))
    if few > many:
        alone = ("--few", f"at most {many:g}", few) if asked[0] is None else ("--many", f"at least {few:g}", many)
        flag, must, got = alone
        checks.fail(OWNER, flag, f"{must}, as the base has it, or given with the other of --many and --few", got)
    return many, few
