"""The repository as the site sees it: which files are pages, and where they lie in the site."""

import posixpath
import re
from fnmatch import fnmatch
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "README_ch.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(?<=\]\()(?P<path>[^()#\s:]+)(?P<fragment>#[^()\s]*)?(?=\))")
# Modules whose docstrings are the reference, a page each: what code of one's own imports.
REFERENCE = (
    *(
        "ppcls_lt",
        "ppcls_lt.api",
        "ppcls_lt.registry",
        "ppcls_lt.basis.checks",
        "ppcls_lt.losses",
        "ppcls_lt.samplers",
        "ppcls_lt.metrics",
    ),
    *(
        "ppcls_lt.callbacks",
        "ppcls_lt.archs",
        "ppcls_lt.operators",
        "ppcls_lt.datasets",
        "ppcls_lt.maths",
        "ppcls_lt.data",
    ),
    *("ppcls_lt.testing",),
)


def pages():
    """Every Markdown file of the site that stands in the repository, by its path there."""
    return [*PAGES, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def url_path(path):
    """Where a file of the repository lies in the site: docs/ and the README are the top, Chinese pages below zh/."""
    path = {"README.md": "docs/README.md", "README_ch.md": "docs/zh/README.md"}.get(path, path)
    return path.removeprefix("docs/")


def chinese(path):
    """Whether a page is Chinese."""
    return path == "README_ch.md" or path.startswith("docs/zh/")


def other_language(path):
    """The path that the same page has in the other language, whether it is there or not."""
    fixed = {"README.md": "README_ch.md", "README_ch.md": "README.md"}
    if path in fixed:
        return fixed[path]
    return path.replace("docs/zh/", "docs/", 1) if chinese(path) else re.sub("^docs/", "docs/zh/", path)


def target(page, link):
    """The path that a link of a page means, by the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def linked():
    """Files and folders that pages lead to and that are no pages, by their paths."""
    every = pages()
    links = {
        target(page, match["path"])
        for page in every
        for match in LINK.finditer((ROOT / page).read_text(encoding="utf-8"))
    }
    return sorted(path for path in links - {*every} if not path.startswith("..") and (ROOT / path).exists())


def order():
    """The sections of order.yaml, each with the paths of its pages in English."""
    sections = yaml.safe_load((ROOT / "scripts/website/order.yaml").read_text(encoding="utf-8"))
    named = {name for section in sections for name in section["pages"]}
    every = [path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    rest = sorted(name for name in every if not name.startswith("zh/") and name not in named)
    for section in sections:
        pages = [
            [name] if "*" not in name else [one for one in rest if fnmatch(one, name)] for name in section["pages"]
        ]
        section["pages"] = [name for names in pages for name in names]
    return sections
