#!/usr/bin/env python3
"""Plant known faults among CIFAR-10's images, and hold what `ppcls-lt audit` finds against them.

    python scripts/plant_faults.py plant --cifar DIR --out planted
    ppcls-lt audit planted/train.txt --test-list planted/test.txt --delimiter '\\t' --out planted/audit
    python scripts/plant_faults.py score --out planted

DIR holds train/CLASS/*.jpg and test/CLASS/*.jpg. The training list is made long-tailed; one class folder has a Chinese
name, one a space. 200 labels are swapped, 100 training images are put into the test list as they are and 100 re-encoded
and resized, 20 training files are broken; beside them are 10 black, 10 tiny and 20 blurred images.
"""

import argparse
import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

FOLDERS = {"bird": "鸟", "truck": "big truck"}
SIDES = (24, 28, 40, 48, 64)
BROKEN = ("empty", "cut", "text", "header")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    plant = commands.add_parser("plant")
    plant.add_argument("--cifar", type=Path, required=True)
    plant.add_argument("--ratio", type=float, default=100)
    plant.add_argument("--largest", type=int, default=5000, help="training images of the first class")
    plant.add_argument("--tests", type=int, default=1000, help="test images of each class")
    plant.add_argument("--seed", type=int, default=0)
    plant.set_defaults(command=_plant)
    score = commands.add_parser("score")
    score.add_argument("--audit", type=Path, help="the audit's --out (OUT/audit)")
    score.set_defaults(command=_score)
    for command in (plant, score):
        command.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.command(arguments)


def _plant(arguments):
    rng = np.random.default_rng(arguments.seed)
    out, classes = arguments.out, sorted(path.name for path in (arguments.cifar / "train").iterdir())
    folders = [FOLDERS.get(name, name) for name in classes]
    train, test = [], []
    for label, name in enumerate(classes):
        size = int(arguments.largest * arguments.ratio ** (-label / (len(classes) - 1)))
        for part, lines, number in (("train", train, size), ("test", test, arguments.tests)):
            (out / part / folders[label]).mkdir(parents=True, exist_ok=True)
            for source in sorted((arguments.cifar / part / name).glob("*.jpg"))[:number]:
                lines.append([f"{part}/{folders[label]}/{source.name}", label])
                shutil.copyfile(source, out / lines[-1][0])
    share = min(1, len(train) / 2000)  # a small set has fewer plants
    sizes = {"swapped": 200, "exact": 100, "near": 100, "broken": 20, "black": 10, "tiny": 10, "blurred": 20}
    chosen = iter(rng.permutation(len(train)).tolist())
    drawn = {kind: [next(chosen) for _ in range(max(4, int(n * share)))] for kind, n in sizes.items()}
    planted = {"swapped": {}}
    for line in drawn["swapped"]:
        path, label = train[line]
        train[line][1] = (label + int(rng.integers(1, len(classes)))) % len(classes)
        planted["swapped"][path] = label
    planted["exact"] = _copies(out, test, [train[line] for line in drawn["exact"]], folders, "exact", _as_it_is)
    planted["near"] = _copies(
        out,
        test,
        [train[line] for line in drawn["near"]],
        folders,
        "near",
        lambda data, k: (_altered(data, rng), ".jpg"),
    )
    planted["broken"] = [_break(out, train[line][0], BROKEN[k % 4]) for k, line in enumerate(drawn["broken"])]
    for kind, change in (("black", _black), ("tiny", _tiny), ("blurred", _blurred)):
        planted[kind] = [_changed(out, train[line][0], change, rng) for line in drawn[kind]]
    for name, lines in (("train.txt", train), ("test.txt", test)):
        (out / name).write_text("".join(f"{path}\t{label}\n" for path, label in lines), encoding="utf-8")
    (out / "label.txt").write_text("".join(f"{k} {name}\n" for k, name in enumerate(folders)), encoding="utf-8")
    (out / "planted.json").write_text(json.dumps(planted, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{len(train)} training and {len(test)} test lines in {out}; planted:", sizes_of(planted))


def _copies(out, test, sources, folders, kind, change):
    """Test images made of training images: copy -> original."""
    found = {}
    for number, (path, label) in enumerate(sources):
        data, ending = change((out / path).read_bytes(), number)
        copy = f"test/{folders[label]}/{kind}_{number:03d}{ending}"
        (out / copy).write_bytes(data)
        test.append([copy, label])
        found[copy] = path
    return found


def _as_it_is(data, number):
    """The file itself, or every second time its pixels as PNG."""
    return (data, ".jpg") if number % 2 == 0 else (_encoded(_opened(data), "PNG"), ".png")


def _altered(data, rng):
    side = int(rng.choice(SIDES))
    image = _opened(data).resize((side, side), Image.Resampling.BICUBIC)
    return _encoded(image, "JPEG", quality=int(rng.integers(60, 91)))


def _break(out, path, how):
    data = (out / path).read_bytes()
    broken = {
        "empty": b"",
        "cut": data[: len(data) // 2],
        "text": b"<html>404</html>",
        "header": b"\0" * 20 + data[20:],
    }
    (out / path).write_bytes(broken[how])
    return path


def _changed(out, path, change, rng):
    image = change(_opened((out / path).read_bytes()), rng)
    (out / path).write_bytes(_encoded(image, "JPEG", quality=90))
    return path


def _black(image, rng):
    return Image.fromarray(rng.integers(0, 6, (image.height, image.width, 3), dtype=np.uint8))


def _tiny(image, rng):
    side = int(rng.integers(3, 8))
    return image.resize((side, side))


def _blurred(image, rng):
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(2, 4))))


def _opened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def _encoded(image, kind, **how):
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def sizes_of(planted):
    return {kind: len(found) for kind, found in planted.items()}


def _score(arguments):
    planted = json.loads((arguments.out / "planted.json").read_text(encoding="utf-8"))
    audit = arguments.audit or arguments.out / "audit"
    with open(audit / "audit" / "suspects.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    print(f"{'kind':<10}{'planted':>8}{'reported':>9}{'of them planted':>16}{'precision':>10}{'recall':>8}")
    for kind, reported in scores(planted, rows).items():
        hits, all_reported, total = reported
        print(
            f"{kind:<10}{total:>8}{all_reported:>9}{hits:>16}{_share(hits, all_reported):>10}{_share(hits, total):>8}"
        )
    own = [row for row in rows if row["kind"] in ("exact", "near") and not _of_planted(planted, row)]
    print("pairs without a planted image, CIFAR-10's own:", sizes_by(own))
    ranked = [row["image"] for row in rows if row["kind"] == "label"]
    for first in (100, 200, 300, 500) if ranked else ():
        hits = len(set(ranked[:first]) & set(planted["swapped"]))
        print(f"swapped labels among the first {first}: {hits} of {len(planted['swapped'])}")
    for line in _by_class(arguments.out, set(planted["swapped"]), ranked) if ranked else ():
        print(line)


def _by_class(out, swapped, ranked):
    """Lines: of each class that images are labelled with, the swapped ones, the suspects, precision and recall."""
    lines = (out / "train.txt").read_text(encoding="utf-8").splitlines()
    given = dict(line.rsplit("\t", 1) for line in lines)
    names = dict(line.split(" ", 1) for line in (out / "label.txt").read_text(encoding="utf-8").splitlines())
    yield f"{'labelled':<12}{'swapped':>8}{'suspects':>9}{'of them swapped':>16}{'precision':>10}{'recall':>8}"
    for label, name in names.items():
        wrong, found = ({image for image in images if given[image] == label} for images in (swapped, ranked))
        hits = len(wrong & found)
        shares = f"{_share(hits, len(found)):>10}{_share(hits, len(wrong)):>8}"
        yield f"{name:<12}{len(wrong):>8}{len(found):>9}{hits:>16}{shares}"


def scores(planted, rows):
    """Kind -> how many are reported and planted, reported, planted; pairs without a planted image are left out."""
    found = {}
    for kind in ("broken", "black", "tiny", "blurred"):
        kinds = ("unreadable", "empty") if kind == "broken" else (kind,)
        # An enlarged copy is blurred.
        names = {row["image"] for row in rows if row["kind"] in kinds} - set(planted["near"])
        found[kind] = len(names & set(planted[kind])), len(names), len(planted[kind])
    for kind in ("exact", "near"):
        pairs = [
            {row["image"], row["other_image"]} for row in rows if row["kind"] == kind and _of_planted(planted, row)
        ]
        wanted = [set(pair) for pair in planted[kind].items()]
        hits = sum(pair in pairs for pair in wanted)
        found[kind] = hits, len(pairs), len(wanted)
    names = {row["image"] for row in rows if row["kind"] == "label"}
    found["swapped"] = len(names & set(planted["swapped"])), len(names), len(planted["swapped"])
    return found


def _of_planted(planted, row):
    copies = {**planted["exact"], **planted["near"]}
    return row["image"] in copies or row["other_image"] in copies


def sizes_by(rows):
    return {kind: sum(row["kind"] == kind for row in rows) for kind in ("exact", "near")}


def _share(part, whole):
    return f"{part / whole:.1%}" if whole else "-"


if __name__ == "__main__":
    main()
