"""One run of a comparison, a process of its own: train, choose the epoch, test once.

``python -m ppcls_lt.comparison.run FOLDER RECIPE SEED`` works on what
``settings`` wrote there, goes on where an earlier process was stopped, and
leaves ``result.json`` last. It ends, with its loader's processes, when its
standard input does: with the process that started it.
"""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path

from .. import checkpoints, history, host, stages, trainer
from .._checks import ConfigError
from .results import Run
from .settings import RESULT, TEST, TRAIN, WEIGHTS, history_path

_BEST = "best_model"


def main(folder, recipe, seed):
    """Do the run; return the exit status, 2 for a mistake of the user's."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        finish(Path(folder), recipe, int(seed))
    except ConfigError as error:
        print(f"ppcls-lt: error: {error}", file=sys.stderr)
        return 2
    return 0


def finish(folder, recipe, seed):
    """Do what is missing of a run and write its result."""
    trainer.run_engine("train", folder / TRAIN)
    plan = stages.plan(host.load_config(folder / TRAIN, []))
    folders = [(stage["Global"]["output_dir"], stage["Arch"]["name"]) for stage in plan]
    records = [history.read(history_path(*each)) for each in folders]
    chosen = history.best([record for record in records[-1] if not record["ema"]])
    if chosen is None:
        raise ConfigError(f"{recipe}: no evaluation gave a number to choose an epoch by; has the training diverged?")
    best = checkpoints.find(*folders[-1], _BEST)
    shutil.copyfile(f"{best}.pdparams", folder / f"{WEIGHTS}.pdparams")
    engine = trainer.run_engine("eval", folder / TEST)
    metric = engine.eval_metric_func.metric_func_list[0]
    result = Run(
        recipe=recipe,
        seed=seed,
        epochs=sum(stage["Global"]["epochs"] for stage in plan),
        stage=len(plan),
        best_epoch=chosen["epoch"],
        seconds=sum(stage[-1]["seconds"] for stage in records if stage),
        validation=chosen["values"],
        test=metric.values(),
        recall=metric.per_class().tolist(),
        curve=[(record["epoch"], record["score"]) for record in records[-1] if not record["ema"]],
    )
    result.write(folder / RESULT)
    for output, _ in folders:
        # Only an unfinished training needs them, and many runs fill a disk.
        checkpoints.remove_all(output)


def _end_with_parent():
    while os.read(0, 1):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
