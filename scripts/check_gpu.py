"""Run on a machine with a GPU what cannot be tried without one, and write one page that says what held.

    python scripts/check_gpu.py                           # everything, some five minutes; writes gpu_check.md
    python scripts/check_gpu.py values waits              # some parts
    python scripts/check_gpu.py --recipes ldam_drw,crt    # some recipes

Without a GPU it runs on the CPU what can run there and marks the rest as not run. Status 0: everything ran and held.
1: something did not hold. 3: what ran held, and parts that need a GPU were not run.
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
NOT_RUN_STATUS = 3


def main(argv=None):
    """Run the parts asked for and write the page; return the exit status."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # A resume is equal to the bit only where cuDNN's sums have one order; read when Paddle is loaded.
    os.environ.setdefault("FLAGS_cudnn_deterministic", "1")
    from gpu import checks, page, trainings

    from ppcls_lt.configuration import recipes as packaged

    parser = argparse.ArgumentParser(description="Try on this machine's GPU what this package promises for one.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(checks.PARTS)}; none: all")
    parser.add_argument("--recipes", metavar="NAMES", help="names joined by commas; without it every packaged one")
    parser.add_argument("--output", metavar="FILE", default="gpu_check.md", help="the page (default: %(default)s)")
    options = parser.parse_args(argv)
    for part in options.parts:
        if part not in checks.PARTS:
            parser.error(f"PART must be of {', '.join(checks.PARTS)}, got {part!r}")
    chosen = options.recipes.split(",") if options.recipes else packaged.names()
    for name in chosen:
        if name not in packaged.known():
            parser.error(f"--recipes must name packaged recipes (`ppcls-lt recipes`), got {name!r}")
    machine, found = checks.machine(), {}
    with tempfile.TemporaryDirectory(prefix="check_gpu_") as folder:
        trainings.prepare(Path(folder))
        for part in options.parts or checks.PARTS:
            found[part] = []
            for finding in checks.PARTS[part](machine, Path(folder), chosen):
                found[part].append(finding)
                print(f"{part}: {finding.what}: {finding.state} ({finding.figures})", flush=True)
    words = f"Parts: {', '.join(found)}. Recipes: {', '.join(chosen)}."
    Path(options.output).write_text(page.markdown(machine, found, words), "utf-8")
    states = [finding.state for findings in found.values() for finding in findings]
    failed, left = states.count(checks.FAILED), states.count(checks.NOT_RUN)
    if failed:
        print(f"{failed} of {len(states)} did not hold; see {options.output}")
        return 1
    if left:
        print(f"what ran held; {left} need GPUs and were not run (status {NOT_RUN_STATUS}); see {options.output}")
        return NOT_RUN_STATUS
    print(f"everything ran and held; see {options.output}")
    return 0


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # PaddleClas tells each of a hundred trainings at length
    sys.exit(main())
