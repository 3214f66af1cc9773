"""What the container's image installs are the versions that the scripts ask for, each pinned."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTAINER = ROOT / "scripts" / "container"


def name(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def pinned():
    lines = (CONTAINER / "pinned.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_scripts_own_versions_are_the_pinned_ones():
    text = (ROOT / "scripts" / "environment.sh").read_text("utf-8")
    for package, version in re.findall(r':-(paddle\w+)==([\d.]+)}"', text):
        assert pinned()[package] == version, package


def test_all_that_is_asked_for_is_pinned():
    wanted = (ROOT / "scripts" / "requirements-host.txt").read_text("utf-8").split()
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for part in (r"^dependencies = \[(.*?)\]", r"^test = \[(.*?)^\]"):
        wanted += re.findall(r'"([\w-]+)', re.search(part, text, flags=re.DOTALL | re.MULTILINE)[1])
    assert len(wanted) > 15 and {name(each) for each in wanted} <= set(pinned())
