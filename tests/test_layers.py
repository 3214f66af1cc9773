"""The layers of the package: imports go downwards, and the light parts stay light."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ppcls_lt

PACKAGE = Path(ppcls_lt.__file__).parent
LAYERS = (
    {
        "_checks",
        "atomic",
        "charts",
        "checkpoints",
        "command_parser",
        "comparison",
        "comparison.figures",
        "comparison.labels",
        "comparison.page",
        "comparison.replacements",
        "comparison.results",
        "comparison.tables",
        "comparison.texts",
        "comparison.wording",
        "comparison.writing",
        "counts",
        "data_tools",
        "disk",
        "earlier_runs",
        "demo_data",
        "history",
        "interrupts",
        "label_lists",
        "lock",
        "image_sizes",
        "label_rows",
        "options",
        "overrides",
        "patterns",
        "registry",
        "report",
        "resampling",
        "run_files",
        "run_marks",
        "sampling_inputs",
        "schedules",
        "scores",
        "spelling",
        "state_files",
        "unpickling",
        "yaml_files",
    },
    {"functional", "parallel", "classifier", "projections", "randomness"},
    {"losses", "metrics", "archs", "samplers", "callbacks"},
    {
        "__main__",
        "announcements",
        "assembly",
        "best_metric",
        "building",
        "cli",
        "compare_command",
        "comparison.candidates",
        "comparison.job",
        "comparison.kept",
        "comparison.lists",
        "comparison.outcome",
        "comparison.pool",
        "comparison.run",
        "comparison.settings",
        "comparison.worker",
        "config",
        "data_checks",
        "data_commands",
        "devices",
        "evaluation",
        "finished_run",
        "loader",
        "model_record",
        "nonfinite",
        "places",
        "precision",
        "label_kinds",
        "recipes",
        "recording",
        "relabelling",
        "replaced",
        "report_command",
        "resuming",
        "run",
        "saving",
        "schema",
        "stages",
        "tail_metric",
        "trainer",
        "unreadable",
        "trial",
        "validation",
        "values",
        "weights",
    },
)
# Layers whose modules may import one another.
WITHIN = (0, 3)
# The host stands at the side: it may use the lowest layer, and the highest may use it.
SIDE = "host"
# The sub-package whose modules stand in layers of their own.
SPLIT = "comparison"
ROOT = "__init__"
FILES = sorted(PACKAGE.rglob("*.py"))


def unit(path):
    """A file's place in the layers: the module's or the sub-package's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] != SPLIT:
        return parts[0]
    return ".".join(part for part in parts if part != "__init__")


UNITS = {unit(path) for path in FILES}


def layer(name):
    return next(number for number, members in enumerate(LAYERS) if name in members)


def imports(path):
    """Yield ``(dotted name, inside a function)`` of everything a file imports, relative names in full."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, id(node) in inside


def own_imports(path):
    """The units of this package that a file imports; its own sub-package is none of them."""
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] != PACKAGE.name:
            continue
        found = next((name for name in (".".join(parts[1:3]), "".join(parts[1:2])) if name in UNITS), ROOT)
        if found != unit(path):
            yield found


def foreign_imports(path):
    """``(top-level package, inside a function)`` of imports from outside the standard library."""
    for name, inside in imports(path):
        top = name.split(".")[0]
        spec = importlib.util.find_spec(top)
        origin = (spec.origin or "") if spec else "missing"
        if top in (PACKAGE.name, "msvcrt"):  # of the standard library on Windows
            continue
        if spec is None or "site-packages" in origin or "dist-packages" in origin:
            yield top, inside


def name_of(path):
    return str(path.relative_to(PACKAGE))


def test_every_module_has_a_layer():
    units = [*(name for members in LAYERS for name in members), SIDE, ROOT]
    assert len(units) == len(set(units))
    assert UNITS == set(units)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_downwards(path):
    name = unit(path)
    for other in own_imports(path):
        if name == ROOT:
            assert other in ("trainer", "_checks")
        elif other == ROOT:
            assert name in (
                "cli",
                "comparison.page",
                "comparison.replacements",
                "recording",
                "replaced",
                "report",
            )  # the version, which they show or write down
        elif name == SIDE:
            assert layer(other) == 0
        elif other == SIDE:
            assert layer(name) == 3
        else:
            same = layer(other) == layer(name) and layer(name) in WITHIN
            assert layer(other) < layer(name) or same, f"{name} imports {other}"


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if unit(path) in LAYERS[0] | {"config", "cli", "data_commands", "report_command"}],
    ids=name_of,
)
def test_what_needs_no_tensors_imports_numpy_and_yaml_at_most(path):
    for name, inside in foreign_imports(path):
        assert name in ("numpy", "yaml") or (inside and name in ("PIL", "sklearn", "matplotlib")), name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_host_module_names_the_host_package(path):
    if unit(path) == SIDE:
        return
    assert not {"ppcls", "paddleclas"} & {name.split(".")[0] for name, _ in imports(path)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert function not in ("import_module", "__import__"), function


def loaded_by(code):
    """Which of the heavy packages a fresh interpreter has loaded after running ``code``."""
    heavy = ("paddle", "ppcls", "paddleclas", "numpy", "yaml")
    code += f"\nimport sys\nprint('loaded:', *(name for name in {heavy} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.rpartition("loaded:")[2].split(), done.stdout


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import ppcls_lt")[0] == []


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["counts", "--help"], ["report", "--help"], ["--version"]]
)
def test_the_help_of_the_command_loads_nothing_heavy(arguments):
    code = "\n".join(
        [
            "import runpy, sys",
            f"sys.argv[1:] = {arguments}",
            "try:",
            "    runpy.run_module('ppcls_lt.cli', run_name='__main__')",
            "except SystemExit as end:",
            "    assert end.code == 0, end.code",
        ]
    )
    loaded, output = loaded_by(code)
    assert loaded == [] and "ppcls-lt" in output


@pytest.mark.parametrize("name", sorted(LAYERS[0]))
def test_the_lowest_layer_loads_no_paddle(name):
    assert set(loaded_by(f"import ppcls_lt.{name}")[0]) <= {"numpy"}
