"""Measure what the remedies cost, and write the results into docs/performance.md.

    python scripts/benchmark.py              # every part
    python scripts/benchmark.py losses start # some
    python scripts/benchmark.py --quick      # small sizes, to see that it runs; prints, writes nothing

Each part runs in a process of its own, leaves docs/performance/PART.json and
its plots, and replaces its block of docs/performance.md. ``--pages`` makes the
blocks and plots again from the JSON files without measuring.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

PARTS = ("losses", "samplers", "steps", "loss_steps", "maxnorm", "counting", "start")
ROOT = Path(__file__).resolve().parents[1]
# The package of this clone, installed or not; the processes of the parts inherit the environment.
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
PAGE = ROOT / "docs" / "performance.md"
CHINESE = ROOT / "docs" / "zh" / "performance.md"
RESULTS = ROOT / "docs" / "performance"


def main(argv=None):
    """Measure the parts asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure what the remedies cost.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="small sizes; print the block, write nothing")
    parser.add_argument("--pages", action="store_true", help="do not measure, write the page from the JSON files")
    parser.add_argument("--here", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"PART must be of {', '.join(PARTS)}, got {unknown[0]!r}")
    if options.here:
        return _measure(options.parts[0], options.quick, Path(options.here))
    RESULTS.mkdir(exist_ok=True)
    for part in options.parts or PARTS:
        file = RESULTS / f"{part}{'.quick' if options.quick else ''}.json"
        if not options.pages:
            command = [sys.executable, __file__, part, "--here", str(file)] + ["--quick"] * options.quick
            print(f"measuring: {part}", flush=True)
            if subprocess.run(command).returncode != 0:
                print(f"{part}: failed", file=sys.stderr)
                return 1
        results = json.loads(file.read_text("utf-8"))
        if options.quick:
            file.unlink()
            print(_module(part).page(results))
        else:
            _write(part, results)
    return 0


def _module(part):
    return importlib.import_module(f"benchmarks.{part}")


def _measure(part, quick, file):
    """One part, in a process of its own, so that none warms or fills the memory of another."""
    from benchmarks import timing

    results = {"machine": timing.machine(), **_module(part).run(quick)}
    file.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    return 0


def _write(part, results):
    """Replace the part's block of the page, and its plots."""
    module = _module(part)
    for name, png in module.plots(results).items():
        (RESULTS / f"{name}.png").write_bytes(png)
    begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->"
    block = module.page(results).strip() + "\n"
    # Pictures lie beside the English page.
    for page, content in ((PAGE, block), (CHINESE, block.replace("](performance/", "](../performance/"))):
        head, rest = page.read_text("utf-8").split(begin)
        page.write_text(head + begin + content + end + rest.split(end, 1)[1], "utf-8")
        print(f"wrote {page.relative_to(ROOT)}: {part}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
