"""The page of a comparison: HTML that holds its pictures and loads nothing."""

import numpy as np

from ... import __version__
from ...runs.measures import MEASURES
from ..parts.markup import document, element, folded, picture, table
from . import figures, replacements, tables, wording
from .texts import TEXTS
from .wording import one_line, percent, points, times


def page(outcome, pictures, folder, language):
    """Return the HTML of a comparison.

    Args:
        outcome (Outcome): what was compared.
        pictures (dict): name -> PNG bytes, as ``figures.paint`` returns them.
        folder (str): where the pictures lie, relative to the page.
        language (str): ``en`` or ``zh``.
    """
    words = TEXTS[language]
    title = words["title"].format(title=outcome.title)
    facts = words["subtitle"].format(arch=outcome.arch, epochs=outcome.epochs, seeds=tables.seeds(outcome))
    body = [
        element("h1", title),
        element("p", facts, class_="quiet"),
        *_section("chosen", words, _chosen(outcome, words)),
        *(_section("table", words, _table(outcome, words)) if outcome.rows else []),
        *_replaced(outcome, words),
        *_listed("failures", tables.failures(outcome, words), words),
        *_listed("missing", tables.missing(outcome, words), words),
    ]
    for name, data in pictures.items():
        body += _section(name, words, [element("p", _about(name, outcome, words)), picture(words[name], data)])
    body += _section("data", words, _data(outcome, words))
    body += _section("command", words, [element("pre", outcome.command)])
    body += _section("files", words, [element("p", _files(pictures, folder, words))])
    body.append(f"<footer><hr>{element('p', words['made_by'].format(version=__version__), class_='quiet')}</footer>")
    return document(title, words["html_lang"], "\n".join(body))


def _section(name, words, content):
    return [f'<section id="{name}">', element("h2", words[name]), *content, "</section>"]


def _chosen(outcome, words):
    """The chosen recipe in large letters, what it gains in words, and what to be cautious of."""
    row = wording.chosen(outcome)
    if row is not None:
        yield f'<div class="tiles">{"".join(_tiles(outcome, row, words))}</div>'
    for sentence in wording.choice(outcome, words):
        yield element("p", sentence)
    for sentence in wording.same(outcome, words):
        yield element("p", sentence)
    for caution in wording.cautions(outcome, words):
        yield element("p", words["caution"].format(text=caution), class_="caution")


def _tiles(outcome, row, words):
    yield _tile(words["recipe"], one_line(row.recipe))
    told = [name for name in ("few", "many", "balanced") if not np.isnan(row.test[name][0])]
    if row.recipe == outcome.baseline or not row.gain:
        for name in told:
            yield _tile(words["tile"].format(kind=words["test"], measure=words[name]), percent(row.test[name]))
        return
    for name in told:
        yield _tile(words["gain_points"].format(measure=words[f"{name}_shot"]), points(row.gain[name]))
    yield _tile(words["work_head"].format(baseline=outcome.baseline), times(row.work))


def _tile(name, value):
    return f"<div>{element('span', name)}{element('b', value)}</div>"


def _table(outcome, words):
    for sentence in tables.about_table(outcome, words):
        yield element("p", sentence)
    ranked = table(tables.heads(outcome, words), _fixed(tables.cells(outcome, words)), text=(1,))
    yield f'<div class="ranked">{ranked}</div>'
    gains = [
        [one_line(row.recipe), *(points(row.gain[name]) for name in MEASURES)]
        for row in outcome.rows
        if row.gain and row.recipe != outcome.baseline
    ]
    if gains:
        heads = [words["recipe"], *(words[name] for name in MEASURES)]
        yield folded(words["gains"].format(baseline=outcome.baseline), table(heads, _fixed(gains), text=1))


def _replaced(outcome, words):
    """What the chosen recipe replaces in the base, open, and what the others do, folded."""
    if not any(outcome.replaced.values()):
        return []
    heads, rows = replacements.table(outcome, words)
    chosen = wording.chosen(outcome)
    mine = [row for row in rows if chosen is not None and row[0] == chosen.recipe]
    opened = [table(heads, mine, text=4)] if mine else []
    return _section("replaced", words, [*opened, folded(words["table"], table(heads, rows, text=4))])


def _fixed(rows):
    """Rows whose numbers stay on one line with their spreads."""
    return ([str(cell).replace(" ± ", "\u00a0±\u00a0") for cell in row] for row in rows)


def _listed(name, entries, words):
    if not entries:
        return []
    return _section(name, words, [f"<ul>{''.join(element('li', entry) for entry in entries)}</ul>"])


def _about(name, outcome, words):
    """What a picture shows, in a few sentences."""
    measure = words["accuracy_of"].format(measure=words[f"{outcome.rank_by}_shot"])
    sentences = [words[f"{name}_about"].format(measure=measure, baseline=outcome.baseline)]
    if name == "groups" and wording.baseline(outcome) is not None:
        sentences.append(words["groups_line"].format(baseline=outcome.baseline))
    if name in ("groups", "trade_off") and not tables.single(outcome):
        sentences.append(words["error_bars"])
    if name == "classes":
        size = max(part.size for part in figures.blocks(outcome))
        sentences += [words["classes_joined"].format(size=size)] if size > 1 else []
    return words["between"].join(sentences)


def _data(outcome, words):
    yield table(*tables.lists(outcome, words), text=2)
    yield element("p", words["between"].join(tables.about_groups(outcome, words)))
    yield table(*tables.groups(outcome, words), text=1)
    for sentence in tables.trained_by(outcome, words):
        yield element("p", sentence)


def _files(pictures, folder, words):
    names = ", ".join(tables.NAMES)
    return words["files_about" if pictures else "files_tables"].format(names=names, folder=folder)
