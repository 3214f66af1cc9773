"""What the known keys say of every training YAML below a folder, with the PaddleClas that Python finds; as JSON."""

import json
import sys
from pathlib import Path

import yaml

import ppcls_lt
from ppcls_lt import host
from ppcls_lt.configuration import schema

MODES = ("train", "eval", "infer", "export")
# PaddleClas's own configurations for other programs: a search, an index, the engine of its version 1.
NEEDED = ("Global", "Arch", "DataLoader")


def findings(folder):
    """What was found in each file, and the files that configure no training."""
    found, other = {}, []
    for path in sorted(Path(folder).rglob("*.y*ml")):
        config = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        name = path.relative_to(folder).as_posix()
        if not all(isinstance(config.get(section), dict) for section in NEEDED):
            other.append(name)
            continue
        errors, unread = [], []
        for mode in MODES:
            found_errors, unread = schema.looked_over(config, mode)
            errors += [finding.text for finding in found_errors]
        found[name] = {"errors": sorted(set(errors)), "unread": unread, "unbuildable": unbuildable(config)}
    return {"found": found, "other": other}


def unbuildable(config):
    """The transform operators of the training data that PaddleClas itself does not find."""
    operators = config["DataLoader"].get("Train", {}).get("dataset", {}).get("transform_ops") or []
    known = vars(host.module("data.preprocess"))
    return [name for entry in operators for name in entry if name not in known]


if __name__ == "__main__":
    ppcls_lt.register()
    Path(sys.argv[2]).write_text(json.dumps(findings(sys.argv[1])))
