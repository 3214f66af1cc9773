"""What is wrong with how a Chinese text is set: punctuation, spaces, lines."""

import re

from .pages import CODE, FORMULA, ITEM, cells, plain

HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
FULL = "，。：；！？、（）“”《》"
RULES = (
    (rf"{HAN}\s*[,;:!?]|[,;:!?]\s*(?:{HAN}|[“（])", "half-width punctuation beside Chinese: use ，；：！？"),
    (r"[\w)][,;:](?=[A-Za-z])(?!//)", "no half-width punctuation without a space: use ，；："),
    (rf"{HAN}\s*\(|\(\s*{HAN}|{HAN}\s*\)|\)\s*{HAN}", "half-width parentheses beside Chinese: use （）"),
    (rf"{HAN}\.(?!\w)|(?<!al)\.\s+{HAN}", "half-width full stop beside Chinese: use 。"),
    (rf"{HAN}\s*[\"']|[\"']\s*{HAN}", "straight quotes beside Chinese: use “”"),
    (rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}", "a space between Chinese and Latin letters, figures or code"),
)


SPACE = re.compile(rf"[{FULL}]\s+\S|\S\s+[，。：；！？、）（]")
CODE_AS_PUNCTUATION = re.compile(r"`[^`]+`")


def bold(text):
    """Bold text that CommonMark does not take as such: punctuation just inside, a letter just outside."""
    parts = CODE_AS_PUNCTUATION.sub("`", text).split("**")
    for before, inside, after in zip(parts[::2], parts[1::2], parts[2::2]):
        if inside and after and not re.match(r"\w", inside[-1]) and re.match(r"\w", after):
            yield f"**…{inside[-4:]}**{after[:4]}"
        if inside and before and not re.match(r"\w", inside[0]) and re.search(r"\w$", before):
            yield f"{before[-4:]}**{inside[:4]}…**"


def formulas_as_text(text):
    """Formulas that GitHub shows as they are written: something beside the dollar (github/markup, issue 1742)."""
    text = CODE.sub("`", text)
    for match in FORMULA.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if re.search(rf"[\w{FULL}]$", before) or re.match(r"\w", after):
            yield f"…{before[-8:]}{match[0]}{after[:8]}"


def around(match):
    """What was found, with a few characters on both sides."""
    return f"…{match.string[max(match.start() - 8, 0) : match.end() + 8]}…"


def pieces(page):
    """(line, text without its markup) of each paragraph, item, cell and heading."""
    for section in page.sections:
        for number, text in [(section.line, section.title), *section.lines]:
            for piece in cells(text) if text.startswith("|") else [ITEM.sub("", text, count=1)]:
                yield number, piece


def faults(page):
    """Messages for a page, each beginning with its line."""
    for number in page.wrapped:
        yield f"{number}: goes on with the paragraph of the line before; a break shows as a space: write one line"
    for number, piece in pieces(page):
        for broken in bold(piece):
            yield f"{number}: {broken} is not shown in bold: put the punctuation outside of the asterisks"
        for unseen in formulas_as_text(piece):
            yield f"{number}: GitHub shows no formula here: put a word and a space before the dollar: {unseen}"
        if re.search(HAN, piece) and (match := re.search(r"`\s*[,;:]", CODE.sub("`", piece))):
            yield f"{number}: half-width punctuation after code: use ，；：、: {around(match)}"
        marked = plain(piece)
        text = marked.replace("**", "")
        for pattern, rule in RULES:
            for match in re.finditer(pattern, text):
                yield f"{number}: {rule}: {around(match)}"
        for match in SPACE.finditer(marked):
            yield f"{number}: no space beside full-width punctuation: {around(match)}"
