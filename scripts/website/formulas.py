"""Formulas as MathML, which browsers set by themselves, in a font for formulas that a package brings: no script."""

import html
import re
from importlib.resources import files as resources

from latex2mathml.converter import convert
from mkdocs.structure.files import File

FONT = "fonts/STIXTwoMath-Regular.ttf"  # so in assets/site.css

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files, config):
    """Add the font: few machines have one that can set formulas."""
    files.append(File.generated(config, FONT, abs_src_path=str(resources("ziamath") / FONT)))
    return files


def on_page_content(content, page, config, files):
    """Put MathML in the place of every formula."""

    def one(match):
        display = "block" if match[2] == "[" else "inline"
        made = convert(html.unescape(match[3]).strip(), display=display)
        unsearched = " data-search-exclude" if display == "block" else ""
        return f'<{match[1]} class="formula"{unsearched}>{made}</{match[1]}>'

    return FORMULA.sub(one, content)
