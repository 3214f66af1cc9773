"""Reading a user's YAML: bounded, each key once, told where it is wrong."""

import ast
import os
from pathlib import Path

import pytest

import ppcls_lt
from ppcls_lt.basis import yaml_files
from ppcls_lt.basis.checks import ConfigError

PACKAGE = Path(ppcls_lt.__file__).parent
ROOT = PACKAGE.parent
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100))


def read(content, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return yaml_files.read(path, "ppcls-lt", "-c")


def test_what_is_written_is_read(tmp_path):
    assert read("base: &b {x: 1, y: 2}\nall: {<<: *b, x: 3}\nfew: [*b, *b]\n", tmp_path) == {
        "base": {"x": 1, "y": 2},
        "all": {"x": 3, "y": 2},
        "few": [{"x": 1, "y": 2}] * 2,
    }
    assert read("\ufeffName: é\n", tmp_path) == {"Name": "é"}
    assert read("", tmp_path) is None


@pytest.mark.parametrize(
    "content, message",
    [
        (
            "Global: {epochs: 1}\nLoss: 2\nGlobal: 3\n",
            "line 3, column 1: must be YAML: the key 'Global'",
        ),
        ("a:\n  b: 1\n  'b': 2\n", "line 3, column 3: .*'b' stands in line 2 already"),
        ("a: {b: 1, b: 1}", "line 1, column 11: .*'b'"),
        ("a: b: c", "line 1, column 5: must be YAML: mapping values are not allowed here"),
        (BOMB, "line 6, column 5: .*aliases that stand for more than 200000 entries"),
        (CHAIN, "aliases that nest more than 64 deep"),
        ("a: &a [*a]", "line 1, column 4: .*an alias that holds itself"),
        ("[" * 1000, "nested more than 64 deep"),
        ("a: !!python/object/apply:os.system ['touch gone']", "could not determine a constructor for the tag"),
        ("a: 2026-13-01", "must be YAML: month must be in 1..12"),
        ("a: 1\nb: 1" + ":1" * 200_000, "line 2, column 4: must be YAML: a number of more than 1024 characters"),
        ("a: {1" + ":1" * 600 + ".5: x}", "line 1, column 5: .*a number of more than 1024 characters"),
        ("a: !!int x", "must be YAML"),
        ("a: !!int ''", "must be YAML"),
        ("a: !!bool x", "must be YAML"),
        ("a: !!timestamp x", "must be YAML"),
        ("a: \x07", "must be YAML: unacceptable character"),
        ("a: 1\n---\nb: 1\n", "line 2, column 1: must be YAML"),
        (b"a: 1\nb: \xd6\xd0\n", "own.yaml: line 2 must be UTF-8, got the byte 0xd6; save the file as UTF-8"),
        (b"#" * (4 * 2**20 + 1), "must be a YAML file of at most 4 MiB"),
    ],
    ids=range(20),
)
def test_mistakes_are_told_in_one_line(content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message) as caught:
        read(content, tmp_path)
    assert "own.yaml" in str(caught.value) and "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["own.yaml"]


def test_a_million_entries_are_not_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(yaml_files, "MAX_ENTRIES", 1000)
    with pytest.raises(ConfigError, match="more than 1000 entries"):
        read("a: [" + "1, " * 2000 + "]", tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_only_files_with_an_end_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(ConfigError, match="`-c` must be a regular file"):
            yaml_files.read(path, "ppcls-lt", "-c")
    with pytest.raises(ConfigError, match="`-c` must be an existing path"):
        yaml_files.read(tmp_path / "nowhere.yaml", "ppcls-lt", "-c")


def test_nothing_else_of_the_package_loads_yaml():
    for path in PACKAGE.rglob("*.py"):
        if path.name == "yaml_files.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "yaml":
                assert not node.attr.endswith(("load", "load_all")), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    "folder",
    [
        ROOT / "configs",
        PACKAGE / "configuration" / "recipes",
        *([Path(os.environ["PADDLECLAS_ROOT"]) / "ppcls" / "configs"] if "PADDLECLAS_ROOT" in os.environ else []),
    ],
    ids=lambda folder: folder.name,
)
def test_every_stock_file_is_read_as_pyyaml_reads_it(folder):
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = sorted(folder.rglob("*.yaml"))
    assert files
    # The longest names last in a family differ in little: every third of many is enough.
    for path in files if len(files) < 100 else files[::3]:
        assert yaml_files.read(path, "test", "file") == yaml.load(path.read_text(encoding="utf-8"), Loader=loader), path
