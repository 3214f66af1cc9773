"""Draw small faults ("mutations") in the package with a seed, and see whether the tests notice each.

    pip install ".[test,mutations]"
    python scripts/mutations.py --seed 1 --number 50 --out mutations.jsonl

Works in a copy of this checkout. For each fault the test files that speak of its
module are run until one fails; a fault that none notices *survives* and is
listed at the end. With ``--out`` an interrupted call goes on where it was.
Exit status: 0 if no fault survives, 1 otherwise.
"""

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import parso.python.tree
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator

ROOT = Path(__file__).resolve().parent.parent
# Texts and colours, which tests look at as a whole.
LEFT_OUT = re.compile(r"(^|/)(texts|fonts|figures|charts|demo_data)\.py$|/recipes/")
# Names that are replaced at random and not by what is known of them: no fault that anybody makes.
NOT_DRAWN = ("VariableReplacer", "VariableInserter")
MOST = 8  # test files for one fault
# Tests that go through most of the package, for modules that few tests name.
WIDE = ("mistakes", "host", "training_mistakes", "training", "evaluation", "stages", "data_commands", "compare")


class DropCall(Operator):
    """Leave out a statement that is nothing but a call."""

    def mutation_positions(self, node):
        if self._is_call(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        return parso.python.tree.Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @staticmethod
    def _is_call(node):
        return (
            node.type in ("atom_expr", "power")
            and node.parent.type == "simple_stmt"
            and node.children[-1].type == "trailer"
            and node.children[-1].children[0].value == "("
        )

    @classmethod
    def examples(cls):
        return ()


def operators():
    """Return family -> operators, so that families with many operators are not drawn more often."""
    families = defaultdict(list)
    for name in plugins.operator_names():
        family = re.sub(r"_.*", "", name.partition("/")[2])
        if family not in NOT_DRAWN:
            families[family].append(plugins.get_operator(name)())
    families["DropCall"].append(DropCall())
    return families


def places(files):
    """Return family -> list of (file, operator, occurrence, line), everything that can be mutated."""
    found = defaultdict(list)
    families = operators()
    for file in files:
        nodes = list(ast_nodes(get_ast(file.read_text(encoding="utf-8"))))
        for family, members in families.items():
            for operator in members:
                positions = [position for node in nodes for position in operator.mutation_positions(node)]
                found[family] += [(file, operator, i, start[0]) for i, (start, _) in enumerate(positions)]
    return {family: entries for family, entries in found.items() if entries}


def drawn(seed, number):
    """Return ``number`` different mutations: (file, operator, occurrence, line)."""
    generator = random.Random(seed)
    files = sorted(path for path in (ROOT / "ppcls_lt").rglob("*.py"))
    files = [path for path in files if not LEFT_OUT.search(path.relative_to(ROOT).as_posix())]
    found = places(files)
    chosen = []
    while len(chosen) < number:
        entry = generator.choice(found[generator.choice(sorted(found))])
        if entry not in chosen:
            chosen.append(entry)
    return chosen


def tests_of(file):
    """Return the test files that speak of a module or of what it defines, most first, then the wide ones."""
    module = file.parent.name if file.stem == "__init__" else file.stem
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted({module, *names})))})\b")
    said = {path: len(pattern.findall(path.read_text(encoding="utf-8"))) for path in (ROOT / "tests").glob("test_*.py")}
    named = sorted((path for path, times in said.items() if times), key=lambda path: -said[path])
    return list(dict.fromkeys([*named, *(ROOT / "tests" / f"test_{name}.py" for name in WIDE)]))[:MOST]


def verdict(copy, file, mutated, tests, seconds):
    """Put a fault into the copy, run the tests on it; return ``killed``, ``survived`` or ``timeout``."""
    target = copy / file.relative_to(ROOT)
    original = target.read_text(encoding="utf-8")
    target.write_text(mutated, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        code = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        ).returncode
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        target.write_text(original, encoding="utf-8")
    return "survived" if code == 0 else "killed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("mutations.jsonl"))
    parser.add_argument("--seconds", type=float, default=900, help="for the tests of one fault")
    arguments = parser.parse_args()
    done = {}
    if arguments.out.exists():
        records = [json.loads(line) for line in arguments.out.read_text(encoding="utf-8").splitlines()]
        done = {record["number"]: record for record in records}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        ignored = shutil.ignore_patterns(".git", ".venv*", "data", "output", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignored)
        for number, (file, operator, occurrence, line) in enumerate(drawn(arguments.seed, arguments.number)):
            if number in done:
                continue
            source = file.read_text(encoding="utf-8")
            mutated = mutate_code(source, operator, occurrence)
            tests = [path.relative_to(ROOT).as_posix() for path in tests_of(file)]
            record = {
                "number": number,
                "file": file.relative_to(ROOT).as_posix(),
                "line": line,
                "operator": type(operator).__name__,
                "was": source.splitlines()[line - 1].strip(),
                "is": _differing(source, mutated),
                "tests": len(tests),
                "verdict": verdict(copy, file, mutated, tests, arguments.seconds),
            }
            done[number] = record
            with open(arguments.out, "a", encoding="utf-8") as file_out:
                file_out.write(json.dumps(record) + "\n")
            print("{number:3d} {verdict:9s} {file}:{line} {operator}: {was}  ->  {is}".format(**record), flush=True)
    survived = [record for record in done.values() if record["verdict"] == "survived"]
    print(f"{len(survived)} of {len(done)} survived")
    return 1 if survived else 0


def _differing(source, mutated):
    """The first line of the mutated source that differs."""
    pairs = zip(source.splitlines(), mutated.splitlines())
    return next((new.strip() for old, new in pairs if old != new), "")


if __name__ == "__main__":
    sys.exit(main())
