"""Two pages of Markdown in two languages held beside each other: messages for what differs.

Every message begins with a line of the page that is looked at, `ours`, and names a line of the other, `theirs`.
"""

import re
from collections import Counter

from .pages import cells, codes, figures, formulas, links, place


def short(text, width=70):
    return text if len(text) <= width else f"{text[:width]}…"


def missing(what, ours, theirs, section, source):
    """Messages for the values of (line, value) that only one of two lists has, as often as they stand there."""
    left, right = (Counter(one for _, one in found) for found in (ours, theirs))
    for number, one in theirs:
        if right[one] > left[one]:
            right[one] -= 1
            yield f"{section.line}: in this section {what} `{short(one)}` of {source}:{number} is missing"
    right = Counter(one for _, one in theirs)
    for number, one in ours:
        if left[one] > right[one]:
            left[one] -= 1
            yield f"{number}: {what} `{short(one)}` is not in the section of {source}"


def once(found):
    """(line, value) where each value stands first."""
    return [(number, one) for one, number in {one: number for number, one in reversed(found)}.items()]


def headings(ours, theirs, anchors=True):
    """Headings of the same levels in the same order, each with the English anchor on the line before."""
    left, right = ours.sections[1:], theirs.sections[1:]
    for section, other in zip(left, right):
        at = f"{theirs.path}:{other.line} “{other.title}”"
        if section.level != other.level:
            yield f"{section.line}: a heading of level {section.level}, {at} is of level {other.level}"
            return
        if anchors and other.level > 1 and section.anchor != other.slug:
            found = f'<a id="{section.anchor}"></a>' if section.anchor else "no anchor"
            yield f'{section.line}: {at} wants <a id="{other.slug}"></a> on the line before this heading, got {found}'
        if section.level == 1 and section.anchor:
            yield f"{section.line}: a title has no anchor before it"
    if len(left) != len(right):
        page, more = (ours, left) if len(left) > len(right) else (theirs, right)
        first = more[min(len(left), len(right))]
        yield f"{left[-1].line}: {len(left)} headings for {len(right)}: {page.path}:{first.line} has no other"


def code(ours, theirs, bare=str):
    """The fenced blocks line by line as `bare` leaves them, and the generated ones by name."""
    for (number, lines), (there, wanted) in zip(ours.blocks, theirs.blocks):
        length = max(len(lines), len(wanted))
        padded = (one + [""] * (length - len(one)) for one in (lines, wanted))
        for offset, (line, want) in enumerate(zip(*padded)):
            if bare(line) != bare(want):
                yield f"{number + offset}: code {line!r}, {theirs.path}:{there + offset} has {want!r}"
                break
    if len(ours.blocks) != len(theirs.blocks):
        yield f"1: {len(ours.blocks)} fenced blocks, {theirs.path} has {len(theirs.blocks)}"
    for name in sorted(ours.generated.keys() | theirs.generated.keys()):
        number, lines = ours.generated.get(name, (1, None))
        # Pictures lie beside the English page.
        lines = None if lines is None else [line.replace("](../", "](") for line in lines]
        if lines != theirs.generated.get(name, (1, None))[1]:
            yield f"{number}: the generated block `{name}` is not that of {theirs.path}: copy it"


def tables(section, other, source):
    """Rows, columns, and what the cells hold that is no language."""
    if len(section.tables) != len(other.tables):
        yield f"{section.line}: {len(section.tables)} tables, {source}:{other.line} has {len(other.tables)}"
    for ours, theirs in zip(section.tables, other.tables):
        if len(ours) != len(theirs):
            yield f"{ours[0][0]}: a table of {len(ours)} lines, {source}:{theirs[0][0]} has {len(theirs)}"
            continue
        for (number, row), (there, wanted) in zip(ours, theirs):
            if len(cells(row)) != len(cells(wanted)):
                yield f"{number}: {len(cells(row))} cells, {source}:{there} has {len(cells(wanted))}"
                continue
            for cell, want in zip(cells(row), cells(wanted)):
                for what, of in (("figures", figures), ("code", codes), ("formulas", formulas)):
                    if Counter(of(cell)) != Counter(of(want)):
                        yield f"{number}: {what} {of(cell)} in “{short(cell, 40)}”, {source}:{there} has {of(want)}"
                if re.fullmatch(r":?-+:?", want) and cell != want:
                    yield f"{number}: the column is `{cell}`, {source}:{there} has `{want}`"


def prose(section, other, source):
    """Code, formulas, figures and the items of lists."""
    for what, of in (("code", codes), ("the formula", formulas)):
        yield from missing(what, once(section.found(of)), once(other.found(of)), section, source)
    ours, wanted = once(section.found(figures)), once(other.found(figures))
    known = {figure for _, figure in wanted}
    # English writes small numbers as words.
    ours = [(number, figure) for number, figure in ours if figure in known or not re.fullmatch(r"\d\d?|100", figure)]
    yield from missing("the figure", ours, wanted, section, source)
    if len(section.items()) != len(other.items()):
        yield f"{section.line}: {len(section.items())} items of lists, {source}:{other.line} has {len(other.items())}"


def targets(ours, theirs, section, other, translated):
    """The same links, to the page that the function `translated` gives for one of the other language."""

    def told(page, target, of=str):
        path, fragment = place(page.path, target)
        return fragment if path is None else "#".join(filter(None, (of(path), fragment)))

    left = [(number, told(ours, target)) for number, target in section.found(links)]
    right = [(number, told(theirs, target, translated)) for number, target in other.found(links)]
    languages = {ours.path, theirs.path}  # the language lines, which are held by themselves
    left, right = ([one for one in found if one[1] not in languages] for found in (left, right))
    yield from missing("the link to", left, right, section, theirs.path)


def differences(ours, theirs, translated, *, anchors=True, bare=str):
    """All of it for two pages."""
    yield from headings(ours, theirs, anchors)
    yield from code(ours, theirs, bare)
    for section, other in zip(ours.sections, theirs.sections):
        yield from tables(section, other, theirs.path)
        yield from prose(section, other, theirs.path)
        yield from targets(ours, theirs, section, other, translated)
