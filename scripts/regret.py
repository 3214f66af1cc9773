"""Comparisons whose truth is known: what a choice by held-out images costs. The tables of docs/regret.md.

    python scripts/regret.py train --work FOLDER                     # what is missing of the digits, hours
    python scripts/regret.py train --work FOLDER --fashion FOLDER --cifar FOLDER
    python scripts/regret.py pack --work FOLDER                      # into docs/results/regret
    python scripts/regret.py judge                                   # from there, a minute; --print writes nothing

``train`` can be ended at any time and called again: every training leaves one small file in FOLDER. It takes one core;
several calls with other ``--forms`` may share FOLDER. ``OMP_NUM_THREADS=1 nice -n 19`` leaves the machine to others.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The package of this clone, installed or not.
sys.path.insert(0, str(ROOT))
PAGES = [ROOT / "docs" / "regret.md", ROOT / "docs" / "zh" / "regret.md"]
RESULTS = ROOT / "docs" / "results" / "regret"


def main(argv=None):
    """Do what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description="Comparisons whose truth is known.")
    parser.add_argument("what", choices=("train", "pack", "judge"))
    parser.add_argument("--work", type=Path, help="folder of what the trainings leave, for train and pack")
    parser.add_argument("--fashion", help="folder of the four Fashion-MNIST files")
    parser.add_argument("--cifar", help="folder with train/CLASS/*.jpg and test/CLASS/*.jpg of CIFAR-10")
    parser.add_argument("--forms", nargs="+", help="comparisons by name; all whose images are there by default")
    parser.add_argument("--kinds", nargs="+", help="trainings such as folds_5 or truth; all by default")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of what is packed")
    parser.add_argument("--print", action="store_true", help="print the tables instead of writing the page")
    options = parser.parse_args(argv)
    if options.what != "judge" and options.work is None:
        parser.error(f"{options.what} needs --work")
    from regret_study import forms

    unknown = set(options.forms or ()) - set(forms.FORMS)
    if unknown:
        parser.error(f"--forms must be of {', '.join(forms.FORMS)}, got {', '.join(sorted(unknown))}")
    chosen = [forms.FORMS[name] for name in options.forms or forms.FORMS]
    return {"train": _train, "pack": _pack, "judge": _judge}[options.what](chosen, options)


def _train(chosen, options):
    from regret_study import forms, trainings

    images = {"digits": "", "fashion": options.fashion, "cifar": options.cifar}
    chosen = [form for form in chosen if images[form.data] is not None]
    for form in chosen:
        forms.write(form, options.work / form.name / "data", images[form.data])
    missing = [
        training
        for kind in options.kinds or forms.KINDS
        for form in chosen
        for training in forms.wanted(form, (kind,))
        if not (options.work / training.file).is_file()
    ]
    began = time.monotonic()
    for number, training in enumerate(missing, 1):
        if not (options.work / training.file).is_file():  # another process may have been here
            trainings.train(training, options.work)
        each = (time.monotonic() - began) / number
        print(f"{number} of {len(missing)}: {training.file}, {each:.1f} s each", flush=True)
    return 0


def _pack(chosen, options):
    from regret_study import kept

    for form in chosen:
        if kept.pack(form, options.work, options.results):
            print(f"{form.name}: {(options.results / f'{form.name}.npz').stat().st_size} bytes")
        else:
            print(f"{form.name}: not all trainings of a comparison are there, or none that is not packed")
    return 0


def _judge(chosen, options):
    from regret_study import kept, page

    found = [comparison for form in chosen if (comparison := kept.read(form, options.results)) is not None]
    if options.print:
        for name, block in page.blocks(found).items():
            print(f"{name}\n\n{block}\n")
    else:
        page.write(PAGES, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
