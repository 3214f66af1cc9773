"""Started by test_evaluation.py in several processes: ``evaluated.py DATA WEIGHTS OUT``.

Evaluates lists whose sizes no number of processes divides, and tries samplers
with which the host would not see every image once. Writes what came out.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ppcls_lt.basis.checks import ConfigError  # noqa: E402
from ppcls_lt.runs import files as run_files  # noqa: E402
from tests import engines  # noqa: E402

# Images and batch size per process: several batches and a rest, full batches only, fewer images than processes.
SETS = ((101, 8), (100, 17), (2, 8))
EVERY = ["PerClassAcc", "BalancedAcc", "MacroF1", "GMean", "WorstClassAcc", "ECE"]
# Sampler -> whether it is refused in several processes, and in one.
SAMPLERS = {
    "shuffled": ({"name": "DistributedBatchSampler", "shuffle": True, "drop_last": False}, True, False),
    "not distributed": ({"shuffle": False, "drop_last": False}, True, False),
    "rest dropped": ({"name": "DistributedBatchSampler", "shuffle": False, "drop_last": True}, True, True),
}


def write_lists(data):
    """Write one list for each of ``SETS``: test images in a mixed order, none of class 4."""
    lines = [line for line in (data / "test.txt").read_text().splitlines() if not line.endswith(" 4")]
    mixed = [lines[i * 101 % len(lines)] for i in range(len(lines))]
    for images, _ in SETS:
        (data / f"eval{images}.txt").write_text("\n".join(mixed[:images]) + "\n")


def settings(data, weights, output, images, batch_size):
    """Evaluation of one of the lists, with every metric."""
    result = engines.digits_config(data, output, losses=[{"CELoss": {"weight": 1.0}}], pretrained_model=str(weights))
    result["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(data / f"eval{images}.txt")
    result["DataLoader"]["Eval"]["sampler"]["batch_size"] = batch_size
    result["Metric"]["Eval"] += [{name: None} for name in EVERY]
    return result


def main(data, weights, out):
    import paddle.distributed as dist  # after ppcls_lt, as Paddle 2.6 needs it

    found = {"values": {}, "losses": {}, "refused": {}}
    for images, batch_size in SETS:
        output = Path(f"{out}_output_{images}")
        engine = engines.build_engine(settings(data, weights, output, images, batch_size), "eval")
        dealt = sum(map(len, engine.eval_dataloader.batch_sampler))
        found["values"][images] = {"returned": engine.eval(), "dealt": dealt}
        if dist.get_rank() == 0:
            (history,) = output.rglob("eval_metrics.jsonl")
            (line,) = history.read_text().splitlines()
            found["values"][images].update(json.loads(line))
            predictions = run_files.read_predictions(history.with_name("eval_predictions.npz"))
            found["values"][images].update(label=predictions.label.tolist(), predicted=predictions.predicted.tolist())
    for name, (sampler, *_) in SAMPLERS.items():
        wrong = settings(data, weights, f"{out}_output", *SETS[0])
        wrong["DataLoader"]["Eval"]["sampler"] = {"batch_size": SETS[0][1], **sampler}
        try:
            engines.build_engine(wrong, "eval")
        except ConfigError as error:
            found["refused"][name] = str(error)
    Path(f"{out}_{dist.get_rank()}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
