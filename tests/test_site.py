"""The site of scripts/site.sh: all pages, in both languages; nothing broken, nothing from outside; searched."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from .driven_site import BROWSER, drive
from .forks import PATIENCE
from .pages import ROOT, Page

WEBSITE = ROOT / "scripts" / "website"
NEEDED = ("material", "mkdocstrings_handlers", "jieba", "latex2mathml", "ziamath")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
needs_the_extra = pytest.mark.skipif(bool(MISSING), reason=f"needs the extra `site`: {', '.join(MISSING)} missing")


def load(name):
    """A module of scripts/website."""
    spec = importlib.util.spec_from_file_location(f"website_{name}", WEBSITE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


repository, check = load("repository"), load("check")
DOCS = sorted(path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md"))
ENGLISH = [name for name in DOCS if not name.startswith("zh/")]
CHINESE = [name for name in DOCS if name.startswith("zh/")]


def test_every_page_has_its_place_once():
    placed = [name for section in repository.order() for name in section["pages"]]
    missing, unknown = sorted({*ENGLISH} - {*placed}), sorted({*placed} - {*ENGLISH})
    assert not missing, f"name docs/{missing[0]}.md in scripts/website/order.yaml: {missing}"
    assert not unknown, f"scripts/website/order.yaml names pages that are not there: {unknown}"
    assert len(placed) == len({*placed})


def test_a_broken_site_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "site.css").write_text("a { background: url(https://x.invalid/a.png) } @import '//x.invalid/b.css';")
    (tmp_path / "in" / "index.html").write_text("<h1 id='there'>There</h1><a name=old></a>")
    (tmp_path / "index.html").write_text(
        "<a href='in/#there'></a><a href='in/#old'></a><a href='https://paper.invalid'></a><a href='mailto:x'></a>"
        "<a href='in/#gone'></a><a href='out/'></a><a href='#gone'></a><img src='no.png'>"
        "<script src='https://x.invalid/a.js'></script><link rel=stylesheet href='//x.invalid/a.css'>"
        "<img srcset='http://x.invalid/a.png 2x'><p style='background: url(http://x.invalid/c.png)'>"
    )
    assert [line.replace("'", "") for line in check.faults(tmp_path)] == [
        "index.html: <script> asks for https://x.invalid/a.js",
        "index.html: <link> asks for //x.invalid/a.css",
        "index.html: <img> asks for http://x.invalid/a.png",
        "index.html: <p> asks for http://x.invalid/c.png",
        "index.html: in/#gone: no such anchor there",
        "index.html: out/ leads to nothing",
        "index.html: #gone: no such anchor there",
        "index.html: no.png leads to nothing",
        "site.css: asks for https://x.invalid/a.png",
        "site.css: asks for //x.invalid/b.css",
    ]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = subprocess.run(["bash", str(ROOT / "scripts" / "site.sh"), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2 and "something else than a site" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built and checked by the command."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "PPCLS_LT_SITE_VENV": sys.prefix}
    command = ["bash", str(ROOT / "scripts" / "site.sh"), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("every link leads somewhere, nothing comes from outside")
    return folder


def html(site, name):
    """The page of a page of docs/, without `.md`."""
    name = re.sub(r"(^|/)README$", "", name)
    return (site / name / "index.html").read_text(encoding="utf-8")


@needs_the_extra
@pytest.mark.slow
def test_every_page_is_built_in_its_language(site):
    for names, language in ((ENGLISH, "en"), (CHINESE, "zh")):
        home = html(site, "README" if language == "en" else "zh/README")
        tabs = {os.path.normpath(link) for link in re.findall(r'<a href="([^":]+)" class="md-nav__link', home)}
        for name in names:
            page = html(site, name)
            assert f'<html lang="{language}"' in page, name
            place = re.sub(r"/README$", "", name)
            assert (place.removeprefix("zh/") if language == "zh" else place) in tabs, (
                f"{name} is not in the navigation"
            )


@needs_the_extra
@pytest.mark.slow
def test_formulas_and_sources_are_pages(site):
    for name in ("losses/ldam", "zh/losses/ldam", "samplers"):
        page = Page(f"docs/{name}.md")
        inline = sum(text.count("$") // 2 for section in page.sections for _, text in section.lines)
        blocks = sum(lines[0].strip() == "```math" for _, lines in page.blocks)
        built = html(site, name)
        assert built.count("<math") == inline + blocks > 0, name
        assert "arithmatex" not in built and r"\frac" not in built
    losses = html(site, "api/ppcls_lt.losses")
    assert 'id="ppcls_lt.losses.LDAMLoss"' in losses and "wider the rarer the true class" in losses
    assert "<math" in losses and ".. math::" not in losses and ":class:" not in losses
    configs = html(site, "configs/cifar10_lt")
    assert 'id="mobilenetv2-yaml"' in configs and "MobileNetV2" in configs


@needs_the_extra
@pytest.mark.slow
def test_each_language_has_its_index(site):
    """In the Chinese one words are cut, those of the glossary whole; what is in English alone is in both."""
    english, translated = (
        json.loads((site / path / "search_index.json").read_text(encoding="utf-8"))["docs"]
        for path in ("search", "zh/search")
    )
    assert not [entry for entry in english if entry["location"].startswith("zh/")]
    assert {"compare/", "api/ppcls_lt.losses/"} <= {entry["location"] for entry in english}
    assert {"compare/", "../api/ppcls_lt.losses/"} <= {entry["location"] for entry in translated}
    words = {word for entry in translated for word in entry["text"].split("\u200b")}
    assert {"重采样", "重加权", "长尾", "间隔"} <= words


@needs_the_extra
@pytest.mark.skipif(BROWSER is None, reason="needs Debian's package chromium-headless-shell")
@pytest.mark.slow
def test_it_is_searched_in_both_languages(site, tmp_path):
    """A real browser: results in the language of the page, the switch to the same page, nothing asked of outside."""
    steps = """
      const results = {}
      for (const words of ["margin", "LDAMLoss", "best_metric"]) results[words] = await search("/", words)
      for (const words of ["间隔", "重采样", "LDAMLoss", "类别不平衡的损失"])
        results[`zh ${words}`] = await search("/zh/", words)
      let page = await open("/zh/losses/ldam/#source")
      results.section = page.querySelector(":target").tagName
      const there = new Promise(done => frame.onload = done)
      page.querySelector("a.md-select__link[hreflang=en]").click()
      await there
      results.switched = frame.contentWindow.location.pathname
      await open("/losses/ldam/")
      await frame.contentDocument.fonts.ready
      results.font = [...frame.contentDocument.fonts].filter(font => font.status == "loaded").map(font => font.family)
      frame.style.width = "390px"
      results.wider = []
      for (const address of ADDRESSES) {
        const root = (await open(address)).documentElement
        if (root.scrollWidth > root.clientWidth) results.wider.push(address)
      }
      return results
    """
    addresses = ["/", "/zh/", "/losses/ldam/", "/zh/losses/ldam/", "/compare/", "/results/", "/api/ppcls_lt.losses/"]
    results, hosts, console = drive(site, tmp_path, steps.replace("ADDRESSES", json.dumps(addresses)))
    assert "failed" not in results, results
    assert hosts == {"127.0.0.1"} and console == []
    for words in ("margin", "LDAMLoss", "best_metric"):
        assert not [path for path, _ in results[words] if path.startswith("/zh/")], words
    # A page in English is found from a Chinese one where there is no other.
    others = {path for words in results if words.startswith("zh ") for path, _ in results[words] if path[:4] != "/zh/"}
    assert not [path for path in others if (site / "zh" / path.strip("/")).exists()]
    assert "/losses/ldam/" in [path for path, _ in results["margin"] + results["LDAMLoss"]]
    assert "/metrics/" in [path for path, _ in results["best_metric"]]
    assert "/zh/losses/ldam/" in [path for path, _ in results["zh 间隔"] + results["zh LDAMLoss"]]
    assert "/zh/samplers/" in [path for path, _ in results["zh 重采样"]]
    assert "/zh/losses/" in [path for path, _ in results["zh 类别不平衡的损失"]]
    assert results["section"] == "H2" and results["switched"] == "/losses/ldam/"
    assert [name.strip('"') for name in results["font"]] == ["STIX Two Math"]
    assert results["wider"] == []
