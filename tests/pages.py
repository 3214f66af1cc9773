"""A page of Markdown taken apart: what must be the same in two languages."""

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = re.compile(r"(`+)(.+?)\1(?!`)")
LINK = re.compile(r"!?\[((?:[^\[\]]|!?\[[^\[\]]*\](?:\([^()]*\))?)*)\]\(([^()\s]*)\)")
FORMULA = re.compile(r"\$([^$]+)\$")
ANCHOR = re.compile(r'<a id="([^"]+)"></a>$')
HEADING = re.compile(r"(#{1,6}) (.+)$")
ITEM = re.compile(r"\s*(?:[-*+]|\d+\.) +")
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
COMMENT = re.compile(r"<!--.*?-->")
BEGIN, END = re.compile(r"<!-- (\w+): begin -->$"), re.compile(r"<!-- (\w+): end -->$")


def slug(heading):
    """The anchor that GitHub gives a heading."""
    text = LINK.sub(r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def plain(text):
    """Text without links' targets and comments; code and formulas leave an `x`."""
    text = FORMULA.sub("x", CODE.sub("x", COMMENT.sub("", text)))
    while LINK.search(text):
        text = LINK.sub(r"\1", text)
    return re.sub(r"</?\w+[^>]*>", "", text)


def figures(text):
    """The figures in a text, those in code left out."""
    return FIGURE.findall(plain(text))


def codes(text):
    """What stands between backticks in a text."""
    return [match[2].strip() for match in CODE.finditer(text)]


def formulas(text):
    """What stands between dollars in a text."""
    return [formula.strip() for formula in FORMULA.findall(CODE.sub("x", text))]


def links(text):
    """The targets of the links and pictures in a text, of a picture in a link both."""
    found = []
    for match in LINK.finditer(CODE.sub("x", text)):
        found += [match[2], *links(match[1])]
    return found


def cells(row):
    """The cells of a line of a table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]


@dataclass
class Section:
    """A heading and what follows it: `lines` are (number, paragraph, item of a list or row of a table)."""

    line: int
    level: int
    title: str
    anchor: str = ""
    slug: str = ""
    lines: list = field(default_factory=list)
    tables: list = field(default_factory=list)

    def found(self, what):
        """(line, each of what the function `what` finds in a text), the heading's included."""
        return [(number, one) for number, text in [(self.line, self.title), *self.lines] for one in what(text)]

    def items(self):
        """The lines that begin an item of a list."""
        return [number for number, text in self.lines if ITEM.match(text)]


class Page:
    """A page of the repository by its path there, such as `docs/compare.md`, or the `text` that would stand there.

    Attributes:
        sections (list of Section): the first is what stands before every heading.
        blocks (list): (line, lines) of each fenced block.
        generated (dict): name -> (line, lines) of what stands between its markers.
        wrapped (list): the lines that go on with the paragraph of the line before.
        slugs (set), anchors (set): what GitHub gives the headings; those and the anchors that are written.
    """

    def __init__(self, path, text=None):
        self.path = path
        self.blocks, self.generated, self.wrapped = [], {}, []
        self.sections = [Section(0, 0, "")]
        text = (ROOT / path).read_text(encoding="utf-8") if text is None else text
        self._read(text.splitlines())
        self.slugs, seen = set(), Counter()
        for section in self.sections[1:]:
            name = slug(section.title)
            section.slug = f"{name}-{seen[name]}" if seen[name] else name
            seen[name] += 1
            self.slugs.add(section.slug)
        self.anchors = self.slugs | {section.anchor for section in self.sections}

    def _read(self, lines):
        fence = made = None
        anchor = ""
        before = ""  # the paragraph, item or row that the next line may go on with
        for number, line in enumerate(lines, 1):
            above, anchor = anchor, ""
            if fence:
                self.blocks[-1][1].append(line)
                fence = None if line.strip() == fence else fence
            elif made:
                self.generated[made][1].append(line)
                made = None if END.match(line) else made
            elif line.lstrip().startswith("```"):
                fence, before = re.match(r"\s*(`+)", line)[1], ""
                self.blocks.append((number, [line]))
            elif BEGIN.match(line):
                made, before = BEGIN.match(line)[1], ""
                self.generated[made] = (number, [line])
            elif HEADING.match(line):
                marks, title = HEADING.match(line).groups()
                self.sections.append(Section(number, len(marks), title, above))
                before = ""
            elif ANCHOR.match(line):
                anchor, before = ANCHOR.match(line)[1], ""
            else:
                self._prose(number, line, before)
                before = line.strip()

    def _prose(self, number, line, before):
        section = self.sections[-1]
        if line.startswith("|"):
            if not before.startswith("|"):
                section.tables.append([])
            section.tables[-1].append((number, line))
        elif before and line.strip() and not before.startswith("|") and not ITEM.match(line):
            self.wrapped.append(number)
            first, text = section.lines.pop()
            line, number = f"{text} {line.strip()}", first
        if line.strip():
            section.lines.append((number, line))


def place(page, target):
    """(path in the repository, fragment) of a link of a page; the path is None where it leads outside of it."""
    if re.match(r"[a-z]+:", target):
        return None, target
    path, _, fragment = target.partition("#")
    if not path:
        return page, fragment
    return os.path.normpath(os.path.join(os.path.dirname(page), path)).replace(os.sep, "/"), fragment
