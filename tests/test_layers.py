"""The layers of the package: imports go downwards, and the light parts stay light."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ppcls_lt

from .conftest import WITHOUT_PADDLE

PACKAGE = Path(ppcls_lt.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# The folders that load NumPy and PyYAML at most; these inside a function.
LIGHT = ("basis", "data", "runs", "reports", "commands")
ON_DEMAND = ("PIL", "sklearn", "matplotlib", "jinja2", "paddlex")
COMPONENTS = ("losses", "samplers", "metrics", "callbacks", "archs")


def layers():
    """The folders of the package as CONTRIBUTING.md lists them, the lowest first."""
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listing = text[text.index("ppcls_lt/\n") :].split("```")[0]
    return re.findall(r"^  (\w+)/", listing, flags=re.MULTILINE)


LAYERS = layers()


def room(path):
    """The folder of the package that a file is in; of a file at the root, ``""``."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path):
    """Yield ``(dotted name, inside a function)`` of everything a file imports, relative names in full."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # What is imported for annotations alone is never loaded.
    unread = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
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
    """``(room, name)`` of what a file imports of this package from outside its own room."""
    for name, _ in imports(path):
        top, *rest = name.split(".")
        if top == PACKAGE.name:
            other = rest[0] if rest and rest[0] in LAYERS else ""
            if other != room(path):
                yield other, name


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


def test_every_folder_is_a_layer():
    folders = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    assert sorted(LAYERS) == sorted(folders)


def test_the_root_is_all_but_empty():
    assert len(list(PACKAGE.glob("*.py"))) <= 6


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_too_long_to_read_at_a_sitting(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300 or "Length:" in (ast.get_docstring(ast.parse(source)) or "")


@pytest.mark.parametrize("path", [path for path in FILES if room(path)], ids=name_of)
def test_imports_go_downwards(path):
    own = room(path)
    for other, name in own_imports(path):
        if other == "":
            assert name == f"{PACKAGE.name}.__version__", name  # it is shown and written down
        else:
            assert LAYERS.index(other) < LAYERS.index(own), f"{own} imports {other}"
            assert own not in COMPONENTS or other not in COMPONENTS, f"{own} imports {other}"


@pytest.mark.parametrize("path", [path for path in FILES if room(path) in LIGHT], ids=name_of)
def test_what_needs_no_tensors_imports_numpy_and_yaml_at_most(path):
    for name, inside in foreign_imports(path):
        assert name in ("numpy", "yaml") or (inside and name in ON_DEMAND), name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_host_module_names_the_host_package(path):
    if room(path) == "host":
        return
    assert not {"ppcls", "paddleclas"} & {name.split(".")[0] for name, _ in imports(path)}
    if name_of(path) == os.path.join("basis", "modules.py"):
        return  # it imports what the user names, and this package's own folders
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


@pytest.mark.parametrize("code", ["import ppcls_lt", "from ppcls_lt import compare, evaluate, train"])
def test_importing_the_package_loads_nothing_heavy(code):
    assert loaded_by(code)[0] == []


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["counts", "--help"], ["report", "--help"], ["check", "--help"], ["--version"]],
)
def test_the_help_of_the_command_loads_nothing_heavy(arguments):
    code = "\n".join(
        [
            "import runpy, sys",
            f"sys.argv[1:] = {arguments}",
            "try:",
            "    runpy.run_module('ppcls_lt', run_name='__main__')",
            "except SystemExit as end:",
            "    assert end.code == 0, end.code",
        ]
    )
    loaded, output = loaded_by(code)
    assert loaded == [] and "ppcls-lt" in output


@pytest.mark.parametrize("name", [name for name in LIGHT if name != "commands"])
def test_the_light_folders_load_no_paddle(name):
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in (PACKAGE / name).rglob("*.py")
    ]
    code = "\n".join(f"import {module.removesuffix('.__init__')}" for module in modules)
    assert set(loaded_by(code)[0]) <= {"numpy", "yaml"}


def test_the_tests_without_paddle_load_none():
    code = "\n".join(f"import tests.{name}" for name in WITHOUT_PADDLE)
    assert set(loaded_by(code)[0]) <= {"numpy", "yaml"}
