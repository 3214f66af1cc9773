"""Every command that a page prints is one that `ppcls-lt` takes: its name, its flags and what they demand."""

import re
import shlex
from pathlib import Path

import pytest

from ppcls_lt.commands import main
from ppcls_lt.commands.parser import Parser, parse

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "README_ch", "CONTRIBUTING")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


class _Refusing(Parser):
    """Raises where the program would end."""

    def error(self, message, *_, **__):
        raise AssertionError(message)


def printed(page):
    """The command lines of a page's shell blocks, without what the shell does itself: pipes, files, variables."""
    for block in re.findall(r"^ *```(?:sh|bash|shell)\n(.*?)^ *```", page.read_text("utf-8"), re.S | re.M):
        for line in re.sub(r"\$\([^)]*\)", "X", re.sub(r"\\\n\s*", " ", block)).splitlines():
            for part in re.split(r"\s(?:&&|\|\||\||;|\d?>|<)\s", re.sub(r"\s\$\w+", " ", line)):
                found = re.match(r"^\s*(?:\$ |\w+=\S* )*(?:ppcls-lt|python -m ppcls_lt) (.+)", part)
                if found and "..." not in part and "…" not in part:
                    yield found[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_are_taken(page):
    parser, commands = main.make_parser(_Refusing)
    for line in printed(page):
        try:
            parse(parser, commands, shlex.split(line, comments=True))
        except AssertionError as error:
            raise AssertionError(f"ppcls-lt {line}: {error}") from None
        except SystemExit:
            assert re.search(r"--help|--version|-h\b", line), line


def test_there_are_some():
    assert sum(len(list(printed(page))) for page in PAGES) > 150
