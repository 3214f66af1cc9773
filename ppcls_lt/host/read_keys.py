"""Which keys of a configuration the host's source reads, section by section."""

from __future__ import annotations

import ast
import functools
import importlib
from pathlib import Path

from .known_keys import READING_METHODS, text_of

# Files that read a configuration, below the package; architectures and losses are asked for their parameters.
_READERS = (
    "arch/__init__.py",
    "arch/slim/*.py",
    "arch/utils.py",
    "data/__init__.py",
    "data/dataloader/dali.py",
    "engine/**/*.py",
    "optimizer/__init__.py",
    "utils/config.py",
    "utils/misc.py",
    "utils/save_load.py",
    "utils/save_result.py",
    "../tools/*.py",
)
# What a function's argument or class's `config` is, where it is not the whole configuration.
_ARGUMENTS = {
    ("build_dataloader", "config"): ("DataLoader",),
    ("dali_dataloader", "config"): ("DataLoader",),
    ("build_optimizer", "config"): ("Optimizer",),
    ("build_optimizer", "optim_cfg"): ("Optimizer",),
    ("build_lr_scheduler", "lr_config"): ("Optimizer", "lr"),
    ("get_param_attr_dict", "ParamAttr_config"): ("*_attr",),
    ("dump_infer_config", "inference_config"): (),
    ("init_model", "config"): ("Global",),
    ("ExportModel", "config"): ("Arch",),
}
# What reads something else than a configuration: an older form of it that nothing calls, an architecture's parameters.
_OTHERS = ("check_config", "RecModel")


@functools.cache
def reads() -> dict[tuple[str, ...], dict[str, bool]]:
    """What the host's source reads: path of a section -> ``{key: whether it is taken out there}``.

    A path is a tuple of keys, ``*`` where the key is a variable: ``("DataLoader", "*", "loader")``.
    """
    found: dict[tuple[str, ...], dict[str, bool]] = {}
    package = Path(importlib.import_module("ppcls.engine").__file__).resolve().parents[1]  # type: ignore[arg-type]  # it has a file
    for pattern in _READERS:
        for path in sorted(package.glob(pattern) if ".." not in pattern else package.parent.glob(pattern[3:])):
            _Reader(found).visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


class _Reader(ast.NodeVisitor):
    """Collects the keys that a file reads from ``config`` and from what it takes out of it."""

    def __init__(self, found: dict[tuple[str, ...], dict[str, bool]]) -> None:
        self._found = found
        self._paths: dict[str, tuple] = {}
        self._choices: dict = {}
        self._owner = None

    def visit_ClassDef(self, node):
        if node.name in _OTHERS:
            return
        self._owner = node.name
        self.generic_visit(node)
        self._owner = None

    def visit_FunctionDef(self, node):
        if node.name in _OTHERS:
            return
        outer = self._paths, self._choices
        owners = (self._owner, node.name)
        self._paths = {"config": (), **{name: path for (owner, name), path in _ARGUMENTS.items() if owner in owners}}
        self._choices = {
            part.left.id: [text_of(item) for item in part.comparators[0].elts]
            for part in ast.walk(node)
            if isinstance(part, ast.Compare)
            and isinstance(part.left, ast.Name)
            and isinstance(part.ops[0], ast.In)
            and isinstance(part.comparators[0], (ast.List, ast.Tuple))
        }
        self.generic_visit(node)
        self._paths, self._choices = outer

    def visit_Assign(self, node):
        self.generic_visit(node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            path = self._path(node.value)
            if path is not None:
                self._paths[node.targets[0].id] = path

    def visit_Compare(self, node):
        self.generic_visit(node)
        path = self._path(node.comparators[0]) if isinstance(node.ops[0], (ast.In, ast.NotIn)) else None
        if path is not None:
            self._note(path, text_of(node.left))

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "update" and node.args:
            path = self._path(node.func.value)
            if path is not None and isinstance(node.args[0], ast.Dict):
                for key in node.args[0].keys:
                    self._note(path, text_of(key))
        self._path(node)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        self._path(node)

    def visit_Attribute(self, node):
        self.generic_visit(node)
        self._path(node)

    def _path(self, node):
        """The path of a section that an expression stands for, its last key noted; or None."""
        if isinstance(node, ast.Name):
            return self._paths.get(node.id)
        if isinstance(node, ast.Attribute):
            if node.attr == "config":
                return ()
            return self._note(self._path(node.value), node.attr) if node.attr[:1].isupper() else None
        if isinstance(node, ast.Subscript):
            return self._item(self._path(node.value), node.slice)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr == "deepcopy":
                return self._path(node.args[0])
            if node.func.attr in READING_METHODS:
                return self._note(self._path(node.func.value), text_of(node.args[0]), node.func.attr == "pop")
        return None

    def _item(self, path, key):
        if path is None or text_of(key) is not None:
            return self._note(path, text_of(key))
        for choice in self._choices.get(getattr(key, "id", None), ()):
            self._note(path, choice)
        return (*path, "*")

    def _note(self, path, key, taken=False):
        if path is None or key is None:
            return None
        keys = self._found.setdefault(path, {})
        keys[key] = keys.get(key, False) or taken
        return (*path, key)
