"""What a check finds: a mistake as a value, and the error that carries one or several of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Callable, NamedTuple

# So many are said at once; `ppcls-lt check` says all.
AT_ONCE = 10
_LONGEST = 4000
_LINE_ENDS = re.compile(r"\s*[\r\n]\s*")
_FORM = re.compile(r"(?P<owner>[^:]+): (`(?P<name>[^`]+)` )?must (?P<must>.+?), got (?P<got>.+?)(; (?P<remedy>.+))?")
_INDEX = re.compile(r"\[(\d+)\]")


class Finding(NamedTuple):
    """A mistake: where it is, what must be there, what is there, and what to do.

    Attributes:
        path (str): its place in the YAML as ``-o`` names it, such as ``Loss.Train.0.FocalLoss.gamma``; empty for
            the file as a whole. Of a component that was built by itself it begins with the component's name.
        must (str): what must be.
        got (str): what is.
        remedy (str): what to do, or empty where ``must`` says it.
        text (str): the sentence that a user reads, one line.
        meant (str): the path that a misspelt or misplaced key was meant to be, or empty.
    """

    path: str
    must: str
    got: str
    remedy: str
    text: str
    meant: str = ""

    def below(self, place: str) -> Finding:
        """The finding of a component that stands at ``place``: its path begins there.

        What a component says of another section keeps the path of that.
        """
        first, dot, rest = self.path.partition(".")
        if first in SECTIONS:
            return self
        return self._replace(path=rest if rest.partition(".")[0] in SECTIONS else f"{place}{dot}{rest}")


# The sections of a configuration whose entries a component may complain of.
SECTIONS = (
    *("configuration", "Global", "Arch", "DataLoader", "Loss", "Metric", "Optimizer", "Callbacks", "Stages", "Infer"),
    *("AMP", "EMA"),
)


class ConfigError(ValueError):
    """Mistakes in a configuration, an argument or a data file.

    The message names the component, the parameter, what it must be and what it
    got, one line for each mistake, at most ``AT_ONCE``. The command line prints
    it and ends with status 2.

    Args:
        *found (Finding or str): the mistakes; a text is one that has no more than its sentence.

    Attributes:
        findings (tuple of Finding): all of them.
    """

    def __init__(self, *found: Finding | str) -> None:
        super().__init__(*found)
        self.findings = tuple(each if isinstance(each, Finding) else said(each) for each in found)

    def __str__(self) -> str:
        lines = [finding.text for finding in self.findings[:AT_ONCE]]
        more = len(self.findings) - len(lines)
        return "\n".join([*lines, f"and {more} more, see `ppcls-lt check`"] if more else lines)


def said(text: str) -> Finding:
    """The ``Finding`` of a sentence: its parts where it has the package's one form, else what must be is all of it."""
    text = one_line(text)
    parts = _FORM.fullmatch(text)
    if parts is None:
        return Finding("", text, "", "", text)
    return Finding(place(parts["owner"], parts["name"] or ""), parts["must"], parts["got"], parts["remedy"] or "", text)


def place(owner: str, name: str = "") -> str:
    """The path, as ``-o`` has it, of what messages call ``Loss.Train[0] FocalLoss`` and its parameter."""
    path = _INDEX.sub(r".\1", f"{owner}.{name}" if name else owner).replace(" ", ".")
    return path.removeprefix("configuration.").removeprefix("configuration")


def one_line(text: str) -> str:
    """Whatever a file or another's exception held: one line that can be read."""
    return cut(_LINE_ENDS.sub(" ", text), _LONGEST)


def cut(text: str, limit: int = 120) -> str:
    """Return the text, or its beginning and three dots."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def raise_all(found: Iterable[Finding]) -> None:
    """Raise a ``ConfigError`` of all findings, if there is one.

    Args:
        found (iterable of Finding): what checks have found.
    """
    found = tuple(found)
    if found:
        raise ConfigError(*found)


def of(check: Callable, *args: Any, **kwargs: Any) -> Iterator[Finding]:
    """Yield the findings of a function that raises: those of its ``ConfigError``, none where it returns."""
    try:
        check(*args, **kwargs)
    except ConfigError as error:
        yield from error.findings
