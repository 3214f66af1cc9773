"""Reading a YAML file of the user's: whole, bounded, and told where it is wrong.

PyYAML's safe loader runs nothing, but it takes the last of two equal keys without
a word, and a short file may stand for more entries than the memory holds.
"""

from __future__ import annotations

import functools
import os
from typing import Any, NoReturn

from . import checks
from .checks import ConfigError

MAX_BYTES = 4 * 2**20
# Entries with every alias written out, and how deep they may be nested.
MAX_ENTRIES = 200_000
MAX_DEPTH = 64
# Characters of one number: in base 60 (1:30:00), reading it takes the square of its length.
MAX_NUMBER = 1024
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def read(path: str | os.PathLike, owner: str, name: str) -> Any:
    """Return what a YAML file holds.

    Args:
        path (str or Path): the file.
        owner (str): who asks, for messages, e.g. ``ppcls-lt``.
        name (str): what names the file there, e.g. ``-c``.

    Raises:
        ConfigError: it is no regular file, no UTF-8, no YAML, gives a key twice,
            or is larger, deeper or, with its aliases written out, longer than any
            configuration.
    """
    return parse(text(path, owner, name), path)


def read_map(path: str | os.PathLike, owner: str, name: str) -> dict:
    """As :func:`read`, of a file that must hold a map with keys.

    Raises:
        ConfigError: it holds something else too.
    """
    content = read(path, owner, name)
    if not isinstance(content, dict):
        checks.fail(owner, name, f"a YAML file with sections ({path})", content)
    return content


def text(path: str | os.PathLike, owner: str, name: str) -> str:
    """Return the text of a YAML file; arguments and errors are those of :func:`read`."""
    checks.regular_file(owner, name, path)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        checks.unreadable(owner, name, path, error)
    if len(data) > MAX_BYTES:
        checks.fail(owner, name, f"a YAML file of at most {MAX_BYTES // 2**20} MiB", str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}: line {line} must be UTF-8, got the byte 0x{data[error.start]:02x}; save the file as UTF-8"
        ) from error


def parse(content: str, path: str | os.PathLike) -> Any:
    """Return what a text of YAML holds; ``path`` is for messages.

    Raises:
        ConfigError: as :func:`read`.
    """
    import yaml

    loader = _loader()
    try:
        return yaml.load(content, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise ConfigError(f"{path}: {line}must be YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError) as error:
        # PyYAML answers a value that its tag cannot have, as in `!!int x` or 2026-13-01, with any of them.
        message = " ".join(str(error).split())
        raise ConfigError(f"{path}: must be YAML: {message or type(error).__name__}") from error


@functools.lru_cache(None)
def _loader():
    """The class of the loader; PyYAML is imported only when a file is read."""
    import yaml

    class Loader(yaml.SafeLoader):
        def __init__(self, stream: Any) -> None:
            super().__init__(stream)
            self._depth = self._entries = 0

        def get_single_node(self):
            node = super().get_single_node()
            if node is not None:
                self._written_out(node, {})
            return node

        def compose_node(self, parent, index):
            event = self.peek_event()
            self._entries += 1
            self._depth += 1
            if self._entries > MAX_ENTRIES:
                self._refuse(event, f"more than {MAX_ENTRIES} entries")
            if self._depth > MAX_DEPTH:
                self._refuse(event, f"nested more than {MAX_DEPTH} deep")
            node = super().compose_node(parent, index)
            self._depth -= 1
            if node.tag in _NUMBERS and len(node.value) > MAX_NUMBER:
                self._refuse(node, f"a number of more than {MAX_NUMBER} characters")
            return node

        def compose_mapping_node(self, anchor):
            node = super().compose_mapping_node(anchor)
            seen = {}
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    continue
                first = seen.setdefault((key.tag, key.value), key.start_mark)
                if first is not key.start_mark:
                    self._refuse(key, f"the key {key.value!r} stands in line {first.line + 1} already")
            return node

        def _written_out(self, node, known):
            """Entries and depth of a node with its aliases written out."""
            if isinstance(node, yaml.ScalarNode):
                return 1, 1
            if id(node) not in known:
                known[id(node)] = None  # until it is known: who meets it holds itself
                pairs = isinstance(node, yaml.MappingNode)
                parts = [each for pair in node.value for each in pair] if pairs else node.value
                sizes = [self._written_out(part, known) for part in parts]
                known[id(node)] = 1 + sum(size for size, _ in sizes), 1 + max([depth for _, depth in sizes], default=0)
            if known[id(node)] is None:
                self._refuse(node, "an alias that holds itself")
            entries, depth = known[id(node)]
            if entries > MAX_ENTRIES:
                self._refuse(node, f"aliases that stand for more than {MAX_ENTRIES} entries")
            if depth > MAX_DEPTH:
                self._refuse(node, f"aliases that nest more than {MAX_DEPTH} deep")
            return entries, depth

        @staticmethod
        def _refuse(place: Any, problem: str) -> NoReturn:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)

    return Loader
