"""Malformed configurations and files, drawn with a seed: entries are replaced by what does not belong there."""

import copy

# What takes the place of an entry: of every type, and of every size that hurts.
VALUES = (
    *(None, True, False, 0, 1, -1, 0.5, -0.5, 10**12, 10**30, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", "text", "1", "../..", "/", "\x00", "x" * 10**6, "=1+1", "([a-z]+)+$", "(" * 500),
    *([], {}, [1], [[]], ["text"], [{}], [{"a": 1, "b": 2}], [None], {"name": []}, {"name": "text"}, {"a": "text"}),
    *([float("nan")], {"0": {}}, [10**12], [-1], [True, False]),
)


def places(value, path=()):
    """Every path into nested maps and lists, the outermost first."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(content, draw, values=VALUES, times=1):
    """Return a copy of nested maps and lists in which some entries are replaced; ``draw`` is a ``random.Random``."""
    result = copy.deepcopy(content)
    for _ in range(times):
        there = list(places(result))
        if not there:
            break
        path, value = draw.choice(there), copy.deepcopy(draw.choice(values))
        inner = result
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
    return result
