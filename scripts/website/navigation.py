"""The navigation: order.yaml in both languages, the readers of each seeing their own."""

from mkdocs.structure.nav import Link, Navigation
from repository import REFERENCE, chinese, order

CHINESE = Navigation([], [])


def on_files(files, config):
    """Write the navigation of both languages, one behind the other."""
    sections = order()
    config.nav = [
        {"Home": "README.md"},
        *({one["title"]["en"]: [f"docs/{name}.md" for name in one["pages"]]} for one in sections),
    ]
    config.nav.append({"API": ["api/index.md", *(f"api/{name}.md" for name in REFERENCE)]})
    there = files.src_uris
    translated = [
        {one["title"]["zh"]: [f"docs/zh/{name}.md" for name in one["pages"] if f"docs/zh/{name}.md" in there]}
        for one in sections
    ]
    config.nav.append({"中文": [{"首页": "README_ch.md"}, *(one for one in translated if all(one.values()))]})
    return files


def on_nav(nav, config, files):
    """Take the two languages apart."""
    *english, section = nav.items
    for item in section.children:
        item.parent = None
    ours = [page for page in nav.pages if chinese(page.file.src_uri)]
    theirs = [page for page in nav.pages if not chinese(page.file.src_uri)]
    theirs[-1].next_page = ours[0].previous_page = None
    reference = next(page for page in theirs if page.file.src_uri == "api/index.md")
    CHINESE.items = [*section.children, Link("API（英文）", reference.url)]
    CHINESE.pages, CHINESE.homepage = ours, ours[0]
    nav.items, nav.pages = english, theirs
    return nav


def on_page_context(context, page, config, nav):
    """Show a Chinese page the Chinese navigation."""
    if chinese(page.file.src_uri):
        context["nav"] = CHINESE
    return context
