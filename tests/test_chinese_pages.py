"""Every Chinese page holds what the English one holds: headings, code, figures, links; and is set as Chinese is.

One page alone: `pytest tests/test_chinese_pages.py -k zh/compare.md`, or `-k zh/losses/ldam.md`, or `-k README_ch.md`.
"""

import functools
import importlib
import os
import re

import pytest

from .pages import ROOT, Page, cells, links, place, plain
from .side_by_side import differences
from .typesetting import faults

# Pages whose Chinese one is still to come: links may lead to it already.
NOT_YET: set[str] = set()


def pages(under):
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / under).rglob("*.md"))


CHINESE = pages("docs/zh")
ENGLISH = [path for path in pages("docs") if path not in CHINESE]


def chinese(path):
    """The Chinese page for an English one; anything else is its own."""
    if path == "README.md":
        return "README_ch.md"
    return re.sub("^docs/", "docs/zh/", path) if path in ENGLISH else path


def english(path):
    """The English page for a Chinese one."""
    return "README.md" if path == "README_ch.md" else re.sub("^docs/zh/", "docs/", path)


@functools.cache
def page(path):
    return Page(path)


def held(path, found):
    """Fail with all messages, each with the page before its line."""
    found = list(found)
    assert not found, f"{len(found)} differences\n" + "\n".join(f"{path}:{one}" for one in found)


def language_line(ours, theirs, name):
    """The link to the other language stands right under the title."""
    want = f"[{name}]({os.path.relpath(theirs, os.path.dirname(ours) or '.')})"
    title, *_ = page(ours).sections[1:]
    number, line = title.lines[0] if title.lines else (title.line, "")
    if line != want:
        yield f"{number}: the first line under the title must be {want}, got {line[:60]!r}"


def broken(path):
    """Links to files or anchors that are not there."""
    for section in page(path).sections:
        for number, target in section.found(links):
            file, fragment = place(path, target)
            if file is None or (english(file) in NOT_YET and not (ROOT / file).exists()):
                continue
            if not (ROOT / file).exists():
                yield f"{number}: the link {target} leads to {file}, which is not there"
            elif fragment and file.endswith(".md") and fragment not in page(file).anchors:
                yield f"{number}: the link {target}: {file} has no heading or anchor {fragment!r}"


@pytest.mark.parametrize("path", CHINESE)
def test_a_page_holds_what_the_english_one_holds(path):
    other = english(path)
    assert (ROOT / other).exists(), f"{path} has no English page {other}"
    held(path, differences(page(path), page(other), chinese))


@pytest.mark.parametrize("path", [*CHINESE, "README_ch.md"])
def test_a_page_is_set_as_chinese_is(path):
    held(path, faults(page(path)))


def not_used():
    """Word that no Chinese page uses -> the one in its place, by the glossary's last table."""
    rows = page("docs/zh/glossary.md").sections[-1].tables[0][2:]
    return {word: used for _, row in rows for used, words in [cells(row)] for word in words.split("、")}


@pytest.mark.parametrize("path", [*CHINESE, "README_ch.md"])
def test_one_word_for_one_thing(path):
    sections = page(path).sections[:-1] if path == "docs/zh/glossary.md" else page(path).sections
    lines = [(number, plain(text)) for section in sections for number, text in section.lines]
    lines += [(section.line, section.title) for section in sections]
    words = not_used()
    held(
        path,
        (
            f"{number}: {word}: write {words[word]} (docs/glossary.md)"
            for number, text in lines
            for word in words
            if word in text
        ),
    )


@pytest.mark.parametrize("path", [*CHINESE, "README_ch.md"])
def test_pages_lead_to_each_other(path):
    held(path, language_line(path, english(path), "English"))
    held(english(path), language_line(english(path), path, "中文"))


@pytest.mark.parametrize("path", ["README.md", "README_ch.md", *ENGLISH, *CHINESE])
def test_links_lead_somewhere(path):
    held(path, broken(path))


def test_the_readmes_hold_the_same():
    """The comments in their code are translated."""
    held(
        "README_ch.md",
        differences(
            page("README_ch.md"), page("README.md"), chinese, anchors=False, bare=lambda line: line.split("  #")[0]
        ),
    )


@pytest.mark.parametrize("path", sorted({*ENGLISH} - NOT_YET))
def test_an_english_page_has_a_chinese_one(path):
    assert chinese(path) in CHINESE, f"{path}: write {chinese(path)}, or add the page to NOT_YET here"


def test_the_page_of_architectures_is_made_from_the_english_one(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = importlib.import_module("architectures_zh")
    made = script.chinese(script.PAGE.read_text(encoding="utf-8"))
    assert made == script.CHINESE.read_text(encoding="utf-8"), "run scripts/architectures_zh.py"


def test_every_listed_page_is_there():
    assert NOT_YET <= {*ENGLISH}
