"""What the host knows by name: its components, and the parameters of each."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import textwrap
from typing import Any, Callable, NamedTuple

import paddle

from ._names import namespace
from .evaluated import component_names

# Methods of a map that read a key.
READING_METHODS = ("get", "pop", "setdefault")


class Parameters(NamedTuple):
    """What a component can be given by name.

    Attributes:
        names (dict): parameter -> whether it must be given.
        swallows (bool): whether any other is taken without an error, and dropped.
    """

    names: dict
    swallows: bool


def parameters(component: Any, given: Any = ()) -> Parameters:
    """Return the :class:`Parameters` of a class or function, its ``**kwargs`` followed to where they lead.

    Args:
        component (callable): a class or a function.
        given (dict): the parameters that it is to be built with, which may name where others lead.
    """
    if inspect.isclass(component):
        return _of_function(component.__init__, component, dict(given), ())
    return _of_function(component, None, dict(given), ())


def flags(component: Callable) -> list[str]:
    """Return the parameters of a class or function whose default is true or false."""
    function = component.__init__ if inspect.isclass(component) else component
    try:
        signature = inspect.signature(inspect.unwrap(function))
    except (TypeError, ValueError):
        return []
    return [name for name, parameter in signature.parameters.items() if isinstance(parameter.default, bool)]


def _of_function(function, cls, given, seen):
    function = inspect.unwrap(function)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return Parameters({}, True)
    if cls is not None and function is object.__init__:
        return Parameters({}, False)
    params = list(signature.parameters.values())[0 if cls is None else 1 :]
    named = [p for p in params if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    names = {p.name: p.default is p.empty for p in named}
    variadic = next((p.name for p in params if p.kind is p.VAR_KEYWORD), None)
    if variadic is None:
        return Parameters(names, False)
    if function in seen:
        return Parameters(names, True)
    if hasattr(cls, "further_parameters"):  # it says itself what its `**` takes
        return Parameters({**names, **dict.fromkeys(cls.further_parameters(), False)}, False)
    values = {p.name: given.get(p.name, p.default) for p in named}
    more, swallows = _behind(function, cls, variadic, values, given, (*seen, function))
    return Parameters({**more, **names}, swallows)


def _behind(function, cls, variadic, values, given, seen):
    """What the ``**variadic`` of a function may hold: ``(names, whether anything else is dropped)``."""
    tree = _tree(function)
    if tree is None:
        return {}, True
    names, closed = {}, []
    aliases = {variadic} | {
        node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_copy(node.value, variadic)
    }
    for node in ast.walk(tree):
        key = _read_of(node, aliases)
        if key is not None:
            names[key] = False
        if isinstance(node, ast.Call) and any(k.arg is None and _is_name(k.value, aliases) for k in node.keywords):
            callee, owner = _callee(node.func, function, cls, values)
            if callee is None:
                closed.append(False)
                continue
            found = _of_function(callee, owner, given, seen)
            passed = {k.arg for k in node.keywords if k.arg is not None}
            positional = sum(not isinstance(argument, ast.Starred) for argument in node.args)
            passed.update(list(found.names)[:positional])
            names.update({name: needed for name, needed in found.names.items() if name not in passed})
            closed.append(not found.swallows)
    return names, not any(closed)


@functools.cache
def _tree(function):
    """The syntax of a function, or None where its source is not to be had."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None


def _is_copy(node, variable):
    """Whether an expression is ``variable`` or ``variable.copy()``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "copy":
        node = node.func.value
    return _is_name(node, (variable,))


def _read_of(node, variables):
    """The key that an expression reads of one of ``variables``, or None."""
    if isinstance(node, ast.Subscript) and _is_name(node.value, variables):
        return text_of(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READING_METHODS:
        if _is_name(node.func.value, variables) and node.args:
            return text_of(node.args[0])
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        if _is_name(node.comparators[0], variables):
            return text_of(node.left)
    return None


def _is_name(node, names):
    return isinstance(node, ast.Name) and node.id in names


def text_of(node: ast.AST) -> str | None:
    """The text that an expression is, or None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _callee(node, function, cls, values):
    """``(function, class)`` that a call within ``function`` goes to, or ``(None, None)``."""
    found = owner = None
    if isinstance(node, ast.Name):
        found = function.__globals__.get(node.id, getattr(builtins, node.id, None))
    elif isinstance(node, ast.Call) and _is_name(node.func, ("eval",)) and isinstance(node.args[0], ast.Name):
        # A name that another parameter gives.
        found = function.__globals__.get(values.get(node.args[0].id))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call) and _is_name(node.value.func, ("super",)):
        holders = [base for base in cls.__mro__ if inspect.unwrap(vars(base).get(node.attr, object)) is function]
        after = cls.__mro__[cls.__mro__.index(holders[0]) + 1 :] if holders else ()
        found, owner = next(((vars(base)[node.attr], cls) for base in after if node.attr in vars(base)), (None, None))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id == "self" and cls is not None:
            found, owner = getattr(cls, node.attr, None), cls
        else:
            found = getattr(function.__globals__.get(node.value.id), node.attr, None)
    if inspect.isclass(found):
        return found.__init__, found
    return (found, owner) if callable(found) else (None, None)


def components(kind: str) -> dict[str, Any]:
    """Return what a configuration can name of one kind: name -> class or function.

    Args:
        kind (str): one of ``loss``, ``arch``, ``metric``, ``dataset``, ``sampler``, ``optimizer``, ``schedule``,
            ``operator``, ``postprocess``, ``gear``, ``regularizer`` and ``initializer``.
    """
    if kind == "regularizer":  # PaddleClas adds the ending
        found = _components(vars(paddle.regularizer))
        return {name[: -len("Decay")]: item for name, item in found.items() if name.endswith("Decay")}
    return _components(vars(paddle.nn.initializer) if kind == "initializer" else namespace(kind))


def beside(component: Any) -> dict[str, type]:
    """Return the classes that the module of a component can name: name -> class."""
    around = _components(inspect.unwrap(component.__init__).__globals__)
    return {name: item for name, item in around.items() if inspect.isclass(item)}


def _components(names):
    return {name: names[name] for name in component_names(names)}
