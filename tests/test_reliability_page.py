"""The page of mistakes: every row has tests, and they are there."""

import ast
import re

import pytest

from . import engines

PAGE = engines.ROOT / "docs" / "reliability.md"
ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d", line)]
NUMBERS = range(1, 36)


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def names(file):
    """Every test of a file, and every class of tests."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def test_no_fault_is_left_out():
    found = {int(re.match(r"\d+", cells(row)[0])[0]) for row in ROWS}
    assert found == set(NUMBERS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: cells(row)[0])
def test_the_tests_of_a_row_are_there(row):
    _, mistake, before, now, held_by = cells(row)
    assert mistake and before and now
    files = re.findall(r"tests/\w+\.py", held_by)
    assert files
    file = None
    for part in re.findall(r"tests/\w+\.py|::\w+", held_by):
        if part.startswith("::"):
            assert part[2:] in names(file), f"{file.name}{part}"
        else:
            file = engines.ROOT / part
            assert file.is_file(), part
