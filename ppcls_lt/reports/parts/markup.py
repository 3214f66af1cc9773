"""Pieces of HTML; all text in them is escaped."""

import base64
from html import escape

import numpy as np

NONE = "–"
# Forbids every request, whatever a browser makes of the page.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #d0d0d0; --soft: #f5f5f5; --quiet: #5c5c5c; --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --line: #4a4a4a; --soft: #242424; --quiet: #b0b0b0; --link: #8ab4f8; }
  body { background: #181818; color: #e8e8e8; }
}
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif;
  max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; margin-bottom: 0; }
h2 { margin-top: 2.4rem; border-bottom: 1px solid var(--line); }
a { color: var(--link); }
.quiet { color: var(--quiet); }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; }
.tiles > div { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .4rem 1rem;
  overflow-wrap: anywhere; }
.caution { background: var(--soft); border-left: .3rem solid #e69f00; padding: .4rem .8rem; overflow-wrap: anywhere; }
.tiles b { display: block; font-size: 1.5rem; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; background: white; padding: .4rem; border-radius: .4rem; box-sizing: border-box; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th { background: var(--soft); vertical-align: bottom; }
th.text, td.text { text-align: left; }
td.text { overflow-wrap: anywhere; min-width: 3em; }
.ranked { font-size: .9rem; }
.ranked th, .ranked td { padding: .15rem .4rem; }
.ranked th { word-break: keep-all; }
.ranked td.text { min-width: 10em; }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; font-size: .85rem; }
summary { cursor: pointer; margin: .6rem 0; }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""


def document(title, language, body):
    """Return a whole page; ``body`` is HTML, the rest is text."""
    return f"""\
<!DOCTYPE html>
<html lang="{escape(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def element(tag, text, **attributes):
    """Return an element that holds text."""
    given = "".join(f' {name.rstrip("_")}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{given}>{escape(str(text))}</{tag}>"


def picture(alt, png):
    """Return a picture that the page itself holds."""
    data = base64.b64encode(png).decode()
    return f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{data}"></figure>'


def folded(title, content, opened=False):
    """Return HTML that a click on its title shows or hides."""
    return f"<details{' open' if opened else ''}>{element('summary', title)}{content}</details>"


def table(heads, rows, text=0):
    """Return a table.

    Args:
        heads (list of str): the heads of the columns.
        rows (iterable of list): the cells; numbers are shown as they are.
        text (int or tuple of int): which columns are text: the first so many, or these.
    """
    left = range(text) if isinstance(text, int) else text
    styles = [' class="text"' if column in left else "" for column in range(len(heads))]
    lines = ["".join(f"<th{style}>{escape(str(cell))}</th>" for style, cell in zip(styles, heads))]
    lines += ["".join(f"<td{style}>{escape(str(cell))}</td>" for style, cell in zip(styles, row)) for row in rows]
    head, *body = (f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(body)}</tbody></table></div>'


def percent(value):
    """A share as per cent with one decimal, or a dash where it is undefined."""
    return NONE if np.isnan(value) else f"{100 * value:.1f}"


def whole(number):
    """A count with its thousands apart."""
    return f"{number:,}"


def short(value):
    """A number with four digits or so, or a dash where it is undefined."""
    if value is None or np.isnan(value):
        return NONE
    return f"{value:.3f}" if 0.1 <= abs(value) < 1000 else f"{value:.4g}"
