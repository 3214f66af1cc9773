"""docs/service.md from top to bottom: from a folder of images to a folder that serves, with fewer epochs."""

import csv
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from . import commands

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("imagehash", "cleanlab")),
        reason="needs the extra `audit`",
    ),
]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "service.md"


def lines():
    """The commands of the page, in their order."""
    return "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)).splitlines()


def test_the_page_leads_from_a_folder_to_a_model_that_serves(tmp_path):
    said = {}
    for line in lines():
        program, *arguments = shlex.split(line.replace("--epochs 40", "--epochs 3"))
        if program == "python" and arguments[0].startswith("scripts/"):
            arguments[0] = str(PAGE.parent.parent / arguments[0])
        code = {"python": (), "ppcls-lt": ("-m", "ppcls_lt")}[program]
        done = commands.run(tmp_path, *arguments, code=code)
        assert done.returncode == 0, f"{line}\n{done.output}\n{done.errors}"
        said[arguments[0]] = said.get(arguments[0], "") + done.output + done.errors
    assert (
        "ready to be served" in said["export"] and "Paddle Inference: probabilities differ" in said["served/served.py"]
    )
    assert re.search(r"^data/digits/test/8/00038.png: \S+ 0\.\d+$", said["served/served.py"], flags=re.MULTILINE)
    with open(tmp_path / "predicted.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 50
    assert "labels likely wrong" in said["audit"] and (tmp_path / "audit" / "audit.html").is_file()
    assert (tmp_path / "lists" / "output" / "report.html").is_file()
