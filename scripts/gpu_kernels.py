"""Write into docs/gpu.md whether the GPU build of Paddle has a kernel for every operation of a training step.

    python scripts/gpu_kernels.py --registry   # with the GPU build: keeps its registry in tests/data/gpu_kernels.json
    python scripts/gpu_kernels.py              # with paddlepaddle of the same version: profiles, writes the table
    python scripts/gpu_kernels.py LDAMLoss     # only trainings whose name has that text; prints, writes nothing

Neither needs a GPU, and neither is a run on one. Status 1 with a line for each gap: a kernel that is missing, an
operation that the names do not reach, a component that no training has.
"""

import argparse
import logging
import os
import sys
import tempfile
import zlib  # noqa: F401  before Paddle 2.6, which crashes otherwise when it is first used later
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["GLOG_vmodule"] = "*api*=6"  # read when Paddle is loaded; `profiled` needs it


def main(argv=None):
    """Keep the registry, or profile and write the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Hold the operations of training steps to the GPU build's kernels.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of trainings' names; none: all, and the page")
    parser.add_argument("--registry", action="store_true", help="keep this GPU build's registry")
    options = parser.parse_args(argv)
    import paddle
    from gpu import profiled, registry, table, trainings

    if options.registry:
        if not paddle.is_compiled_with_cuda():
            parser.error(f"--registry needs a GPU build of Paddle, got {paddle.__version__} for the CPU")
        registry.write()
        return 0
    kept = registry.kept()
    if paddle.__version__ != kept["paddlepaddle-gpu"] or not profiled.has_log():
        parser.error(f"the registry is that of Paddle {kept['paddlepaddle-gpu']}, this is {paddle.__version__}")
    found, tried, messages = table.Table(kept["kernels"]), [], []
    with tempfile.TemporaryDirectory(prefix="gpu_kernels_") as folder:
        for training in trainings.all_of(Path(folder)):
            if options.names and not any(name in training.name for name in options.names):
                continue
            tried.append(training)
            ran = profiled.operations(lambda training=training: trainings.run(training))
            print(f"{training.name}: {len(ran)} operations", flush=True)
            found.add(training.name, ran)
        if not options.names:
            missing = trainings.not_tried([training.settings() for training in tried])
            messages += [f"{name}: no training has this component" for name in missing]
    messages += found.gaps()
    if options.names:
        print(found.markdown())
    else:
        table.write([ROOT / "docs" / "gpu.md", ROOT / "docs" / "zh" / "gpu.md"], found, kept, len(tried))
    for message in messages:
        print(f"gap: {message}", file=sys.stderr)
    return 1 if messages or not tried else 0


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # PaddleClas tells each of a hundred trainings at length
    sys.exit(main())
