"""Files of the site: those of the repository under their own paths, and pages made of folders, sources and docstrings.

A link of a page holds by the repository, and so it holds here: MkDocs is shown the same tree.
"""

import posixpath
import re

from mkdocs.structure.files import File, InclusionLevel
from repository import LINK, PAGES, REFERENCE, ROOT, chinese, linked, other_language, pages, target, url_path

CODE = {".py": "python", ".yaml": "yaml"}
ANCHORED = re.compile(r'^<a id="([^"]+)"></a>\n(#+ .*)$', re.MULTILINE)
ABOUT_REFERENCE = """# API reference

From the docstrings of the code, for modules of your own ([Your own module](../docs/plugins.md)).

"""


def on_files(files, config):
    """Add what the repository holds to the site."""
    for path in pages():
        files.append(_from_repository(path, config))
    for path in linked():
        if path.startswith("docs/") and (ROOT / path).is_file():  # pictures, figures, notebooks
            files.append(_from_repository(path, config))
    shown = _folders()
    for folder, names in shown.items():
        inside = sorted(posixpath.basename(other) for other in shown if folder and posixpath.dirname(other) == folder)
        files.append(_made(_folder_path(folder), _folder_page(folder, names, inside), config))
    for path, text in _reference().items():
        files.append(_made(path, text, config, InclusionLevel.INCLUDED))
    return files


def on_page_markdown(markdown, page, config, files):
    """Give headings the anchors that stand before them, and lead links to folders and sources to their pages."""
    there = files.src_uris

    def lead(match):
        path = target(page.file.src_uri, match["path"])
        here = posixpath.dirname(page.file.src_uri) or "."
        if path not in there and chinese(path) and other_language(path) in there:
            return posixpath.relpath(other_language(path), here) + (match["fragment"] or "")  # not translated yet
        if path in there or path.startswith("..") or not (ROOT / path).exists():
            return match[0]
        folder, name = (path, "") if (ROOT / path).is_dir() else posixpath.split(path)
        made = posixpath.relpath(_folder_path(folder), here)
        return made + (f"#{_anchor(name)}" if name else match["fragment"] or "")

    return LINK.sub(lead, ANCHORED.sub(r"\2 {#\1}", markdown))


def _from_repository(path, config):
    file = File.generated(config, path, abs_src_path=str(ROOT / path))
    placed = File.generated(config, url_path(path), content="")
    file.dest_uri, file.url = placed.dest_uri, placed.url
    if path in PAGES and not path.startswith("README"):
        file.inclusion = InclusionLevel.NOT_IN_NAV
    return file


def _made(path, text, config, inclusion=InclusionLevel.NOT_IN_NAV):
    return File.generated(config, path, content=text, inclusion=inclusion)


def _anchor(name):
    return name.replace(".", "-")


def _folder_path(folder):
    """The page of a folder; that of the repository itself, whose `index.md` is the README, is a folder below."""
    return posixpath.join(folder or "repository", "index.md")


def _folders():
    """Folder -> names of its files that are shown: those that pages lead to; where they lead to it, its YAML files."""
    shown = {}
    for path in linked():
        if path.startswith("docs/"):
            continue
        if (ROOT / path).is_dir():
            shown.setdefault(path, set())
            for file in (ROOT / path).rglob("*.yaml"):
                inner = file.parent
                shown.setdefault(inner.relative_to(ROOT).as_posix(), set()).add(file.name)
                while inner != ROOT / path:
                    inner = inner.parent
                    shown.setdefault(inner.relative_to(ROOT).as_posix(), set())
        else:
            folder, name = posixpath.split(path)
            shown.setdefault(folder, set()).add(name)
    return shown


def _folder_page(folder, names, inside):
    lines = ["---", "search: {exclude: true}", "---", f"# {folder or '.'}/", ""]
    lines += [f"- [{inner}/]({inner}/index.md)" for inner in inside]
    for name in sorted(names):
        text = (ROOT / folder / name).read_text(encoding="utf-8")
        fence = f"````{CODE.get(posixpath.splitext(name)[1], 'text')}"
        lines += ["", f"## {name} {{#{_anchor(name)}}}", "", fence, text.rstrip("\n"), "````"]
    return "\n".join(lines) + "\n"


def _reference():
    """Path -> text of the pages of the reference: what a package names in `__all__`, or else its modules."""
    made = {"api/index.md": ABOUT_REFERENCE + "\n".join(f"- [{name}]({name}.md)" for name in REFERENCE)}
    for name in REFERENCE:
        opened = ROOT / name.replace(".", "/") / "__init__.py"
        own = opened.exists() and "__all__" in opened.read_text(encoding="utf-8")
        made[f"api/{name}.md"] = f"# {name}\n\n::: {name}\n    options: {{show_submodules: {str(not own).lower()}}}\n"
    return made
