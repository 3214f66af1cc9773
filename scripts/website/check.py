"""What a built site must hold: every link and anchor leads somewhere, and nothing is asked of another server."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
OUTSIDE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
STYLE_URL = re.compile(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)")


class Page(HTMLParser):
    """The anchors of a page, and (what is loaded, address) of everything that it leads to."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.loaded, self.links = {""}, [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Note one element."""
        attrs = dict(attrs)
        self.anchors.update(filter(None, (attrs.get("id"), attrs.get("name") if tag == "a" else None)))
        self.loaded += [(tag, one) for one in STYLE_URL.findall(attrs.get("style") or "")]
        address = attrs.get(LOADED.get(tag, ""))
        if address and attrs.get("rel") not in ("canonical", "alternate"):
            self.loaded.append((tag, address))
        if attrs.get("srcset"):
            self.loaded += [(tag, one.split()[0]) for one in attrs["srcset"].split(",")]
        if attrs.get("href"):
            self.links.append(attrs["href"])


def faults(site):
    """Yield one line for each fault of a built site."""
    site = Path(site).resolve()
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        for tag, address in page.loaded:
            if OUTSIDE.match(address):
                yield f"{name}: <{tag}> asks for {address}"
        for link in [*page.links, *(address for _, address in page.loaded)]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            file = site / parts.path.lstrip("/") if parts.path.startswith("/") else path.parent / unquote(parts.path)
            file = path if not parts.path else file.resolve()
            file = file / "index.html" if file.is_dir() else file
            if not file.exists():
                yield f"{name}: {link} leads to nothing"
            elif file in pages and unquote(parts.fragment) not in pages[file].anchors:
                yield f"{name}: {link}: no such anchor there"
    for path in sorted(site.rglob("*.css")):
        for address in STYLE_URL.findall(path.read_text(encoding="utf-8")):
            if OUTSIDE.match(address):
                yield f"{path.relative_to(site)}: asks for {address}"


if __name__ == "__main__":
    found = list(faults(sys.argv[1]))
    print("\n".join(found) or f"{sys.argv[1]}: every link leads somewhere, nothing comes from outside")
    sys.exit(bool(found))
