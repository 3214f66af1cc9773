"""The page of a report: HTML that holds its pictures and loads nothing."""

import numpy as np

from ... import __version__
from ...data import charts
from ...maths import scores
from ...runs import files as run_files
from ...runs import history
from ..parts.markup import NONE, document, element, folded, percent, picture, short, table, whole
from .collect import common_folder
from .figures import BINS, MAX_MATRIX, confusion_blocks
from .tables import NAMES, history_columns
from .texts import TEXTS

_LISTED = 20


def page(parts, pictures, folders, language):
    """Return the HTML of a report.

    Args:
        parts (list of Part): one, or the stages of a training.
        pictures (list of dict): for each part name -> PNG bytes, {} without predictions.
        folders (list of str): for each part where its pictures and tables lie, relative to the page.
        language (str): ``en`` or ``zh``.
    """
    words = TEXTS[language]
    several = len(parts) > 1
    sections = [_Section(*each, words, several) for each in zip(parts, pictures, folders)]
    first = parts[0]
    title = words["title"].format(arch=first.arch)
    kind = "subtitle_eval" if first.evaluation else "subtitle_train"
    started = first.info["started"][:16].replace("T", " ") + " UTC"
    body = [
        element("h1", title),
        element("p", words[kind].format(folder=common_folder(parts), started=started), class_="quiet"),
        f"<nav>{element('h2', words['contents'])}<ul>{''.join(section.contents() for section in sections)}</ul></nav>",
        *([_stages(parts, words)] if several else []),
        *(section.html() for section in sections),
        f"<footer><hr>{element('p', words['made_by'].format(version=__version__), class_='quiet')}</footer>",
    ]
    return document(title, words["html_lang"], "\n".join(body))


def _stages(parts, words):
    """The accuracies of the stages beside each other."""
    found = {part.info["stage"]: part.accuracies() for part in parts if part.predictions is not None}
    names = list(next(iter(found.values())))
    rows = [[stage, *(percent(values.get(name, np.nan)) for name in names)] for stage, values in found.items()]
    return element("h2", words["stages"]) + table([words["stage_number"], *(_share(words, n) for n in names)], rows)


class _Section:
    """One part of the page: everything about one training, stage or evaluation."""

    def __init__(self, part, pictures, folder, words, several):
        self.part = part
        self.pictures = pictures
        self.folder = folder
        self.words = words
        self.level = 3 if several else 2
        self.prefix = f"stage-{part.info['stage']}-" if several else ""
        self.heading = words["stage"].format(stage=part.info["stage"], stages=part.info["stages"]) if several else None
        makers = {
            "summary": self._summary,
            "distribution": self._distribution,
            "per_class": self._per_class,
            "over_epochs": self._over_epochs,
            "norms": self._norms,
            "confusion": self._confusion,
            "calibration": self._calibration,
            "configuration": self._configuration,
            "versions": self._versions,
        }
        if part.predictions is None:
            makers = {name: makers[name] for name in ("configuration", "versions")}
        elif part.counts is None:
            del makers["distribution"]
        self.makers = makers

    def contents(self):
        """The entries of the table of contents."""
        links = (element("a", self.words[name], href=f"#{self.prefix}{name}") for name in self.makers)
        entries = "".join(f"<li>{link}</li>" for link in links)
        if self.heading is None:
            return entries
        return f"<li>{element('a', self.heading, href=f'#{self.prefix}top')}<ul>{entries}</ul></li>"

    def html(self):
        """The whole part."""
        lines = []
        if self.heading is not None:
            lines.append(element("h2", self.heading, id=f"{self.prefix}top"))
            if self.part.predictions is None:
                lines.append(self._paragraph("no_evaluation"))
        for name, make in self.makers.items():
            content = "\n".join(make())
            heading = element(f"h{self.level}", self.words[name])
            lines.append(f'<section id="{self.prefix}{name}">\n{heading}\n{content}\n</section>')
        return "\n".join(lines)

    # The sections, each a generator of HTML.

    def _summary(self):
        part, words = self.part, self.words
        accuracies = part.accuracies()
        tiles = (
            f"<div>{element('span', words[name])}{element('b', percent(value) + ' %')}</div>"
            for name, value in accuracies.items()
        )
        yield f'<div class="tiles">{"".join(tiles)}</div>'
        facts = {"images": whole(part.predictions.label.size), "classes": whole(part.class_num)}
        if part.evaluation:
            yield self._paragraph("evaluation_alone", **facts)
        else:
            yield self._paragraph("evaluation_shown", **facts, epoch=part.predictions.epoch, epochs=part.epochs)
            yield from self._best()
        if part.counts is None:
            yield self._paragraph("no_counts")
            return
        filled = part.counts[part.counts > 0]
        ratio = f"{filled.max() / filled.min():.1f}".removesuffix(".0")
        text = words["training_images"].format(images=whole(part.counts.sum()), ratio=ratio)
        empty = part.counts.size - filled.size
        if empty:
            text += words["empty_classes"].format(n=whole(empty))
        yield element("p", text)
        rows = [
            [
                words[group],
                whole(members.size),
                whole(part.counts[members].sum()),
                whole(part.support[members].sum()),
                percent(accuracies[group]),
            ]
            for group, members in part.groups.items()
        ]
        heads = ("group", "classes", "train_images", "eval_images")
        yield table([*(words[head] for head in heads), _share(words, "accuracy")], rows, text=1)
        yield self._groups()

    def _groups(self):
        if self.part.thresholds == "tertiles":
            return self._paragraph("groups_tertiles")
        many, few = self.part.thresholds
        return self._paragraph("groups_thresholds", many=many, few=few)

    def _best(self):
        best = history.best(self.part.history)
        if best is not None and best["epoch"] != self.part.predictions.epoch:
            name = best["best_metric"] or self.words["first_value"]
            yield self._paragraph("best_epoch", name=name, epoch=best["epoch"])

    def _distribution(self):
        yield self._paragraph("distribution_about")
        yield self._picture("distribution")

    def _per_class(self):
        part, words = self.part, self.words
        binned = part.class_num > charts.MAX_BARS
        yield self._paragraph("per_class_about")
        yield self._picture("per_class")
        if binned:
            yield self._paragraph("binned", bins=BINS)
        mistaken = _mistaken_for(part)
        if part.class_num > _LISTED:
            there = np.flatnonzero(part.support > 0)
            sizes = part.support if part.counts is None else part.counts
            worst = there[np.lexsort((sizes[there], part.recall[there]))][:_LISTED]
            yield self._subheading(words["worst"].format(n=worst.size))
            yield self._classes(worst, mistaken)
        title = words["all_classes"].format(n=whole(part.class_num))
        yield folded(title, self._classes(part.order, mistaken), opened=part.class_num <= _LISTED)

    def _classes(self, classes, mistaken):
        part, words = self.part, self.words
        norm = None if part.classifier is None else part.classifier["norm"]
        named = bool(part.names)
        heads = ["class", *(["name"] if named else []), "train_images", "eval_images"]
        heads = [words[head] for head in heads]
        heads += [_share(words, head) for head in ("recall", "precision", "f1")]
        rows = []
        for label in classes.tolist():
            other = mistaken.get(label)
            rows.append(
                [
                    label,
                    *([part.names.get(label, "")] if named else []),
                    NONE if part.counts is None else whole(part.counts[label]),
                    whole(part.support[label]),
                    *(percent(values[label]) for values in (part.recall, part.precision, part.f1)),
                    NONE if norm is None else short(norm[label]),
                    "" if other is None else self._named(other[0]) + f" ({other[1]})",
                ]
            )
        heads += [words["norm"], words["mistaken_for"]]
        return table(heads, rows, text=(0, 1, len(heads) - 1) if named else (0, len(heads) - 1))

    def _over_epochs(self):
        part, words = self.part, self.words
        if "over_epochs" in self.pictures:
            yield self._paragraph("over_epochs_about")
            yield self._picture("over_epochs")
            curves = part.over_epochs()[1]
            if part.groups and all(np.isnan(curves[group]).all() for group in part.groups):
                yield self._paragraph("no_group_history")
        else:
            yield self._paragraph("one_evaluation")
        values, losses = history_columns(part)
        rows = []
        for record in part.history:
            numbers = [*map(record["values"].get, values), *map(record["loss"].get, losses)]
            rows.append([record["epoch"], *map(short, numbers)])
        heads = [words["epoch"], *values, *(f"{words['loss']} {name}" for name in losses)]
        yield folded(words["values"], table(heads, rows))

    def _norms(self):
        part = self.part
        if part.classifier is None:
            yield self._paragraph("norms_missing")
            return
        yield self._paragraph("norms_about", name=part.classifier["name"])
        if part.classifier["kind"] == "NormalizedLinear":
            yield self._paragraph("norms_cosine")
        yield self._picture("norms")
        norm = part.classifier["norm"]
        if (norm > 0).all():
            yield self._paragraph("norms_ratio", ratio=f"{norm.max() / norm.min():.2f}")

    def _confusion(self):
        part, words = self.part, self.words
        yield self._paragraph("confusion_about")
        if part.class_num > MAX_MATRIX:
            yield self._paragraph("confusion_grouped", size=max(each.size for each in confusion_blocks(part)))
        else:
            yield self._paragraph("confusion_numbers" if part.class_num <= _LISTED else "confusion_log")
        yield self._picture("confusion")
        if part.groups:
            yield self._subheading(words["between_groups"])
            yield self._between_groups()
        label, predicted, images = part.confusions
        wrong = np.flatnonzero(label != predicted)
        if not wrong.size:
            yield self._paragraph("no_confusions")
            return
        top = wrong[np.argsort(-images[wrong], kind="stable")][:_LISTED]
        yield self._subheading(words["top_confusions"].format(n=top.size))
        rows = [
            [
                self._named(label[i]),
                self._named(predicted[i]),
                whole(images[i]),
                percent(images[i] / part.support[label[i]]),
            ]
            for i in top
        ]
        heads = ("right_class", "predicted_class", "images")
        yield table([*(words[head] for head in heads), _share(words, "share")], rows, text=2)

    def _between_groups(self):
        part, words = self.part, self.words
        group_of = np.empty(part.class_num, dtype=int)
        for number, members in enumerate(part.groups.values()):
            group_of[members] = number
        label, predicted, images = part.confusions
        matrix = np.zeros((len(part.groups),) * 2)
        np.add.at(matrix, (group_of[label], group_of[predicted]), images)
        share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        names = [words[group] for group in part.groups]
        heads = [
            words["group"],
            words["images"],
            *(words["per_cent"].format(name=words["to_group"].format(group=n)) for n in names),
        ]
        rows = [
            [name, whole(int(row.sum())), *(map(percent, shares) if row.sum() else [NONE] * len(row))]
            for name, row, shares in zip(names, matrix, share)
        ]
        return table(heads, rows, text=1)

    def _calibration(self):
        part, words = self.part, self.words
        yield self._paragraph("calibration_about", bins=part.bins)
        yield self._picture("calibration")
        rows = []
        for group, members in {"all": np.arange(part.class_num), **part.groups}.items():
            chosen = np.isin(part.predictions.label, members)
            if chosen.any():
                confidence, right = part.predictions.confidence[chosen].astype(float), part.right[chosen]
                error = scores.expected_calibration_error(*scores.confidence_bins(confidence, right, part.bins))
                gap = confidence.mean() - right.mean()
                numbers = map(percent, (right.mean(), confidence.mean(), gap, error))
                rows.append([words[group], whole(chosen.sum()), *numbers])
        heads = [words["group"], words["images"]]
        heads += [_share(words, head) for head in ("accuracy", "confidence", "gap", "ece")]
        yield table(heads, rows, text=1)
        yield self._paragraph("calibration_margin")

    def _configuration(self):
        part = self.part
        file = run_files.FILES[part.info["mode"]].config
        yield self._paragraph("configuration_about_eval" if part.evaluation else "configuration_about", file=file)
        yield folded(file, element("pre", part.config))

    def _versions(self):
        part, words = self.part, self.words
        rows = [[name, version] for name, version in part.info.get("versions", {}).items()]
        rows += [[words[key], part.info.get(key)] for key in ("device", "processes", "seed")]
        yield table(["", ""], rows, text=2)
        if part.predictions is not None:
            names = ", ".join([*(f"{name}.png" for name in self.pictures), *NAMES])
            yield self._paragraph("files", folder=self.folder, names=names)

    # Pieces.

    def _paragraph(self, key, **values):
        return element("p", self.words[key].format(**values))

    def _subheading(self, text):
        return element(f"h{self.level + 1}", text)

    def _picture(self, name):
        return picture(self.words[name], self.pictures[name])

    def _named(self, label):
        name = self.part.names.get(int(label))
        return f"{label} {name}" if name else str(label)


def _share(words, key):
    return words["per_cent"].format(name=words[key])


def _mistaken_for(part):
    """Class -> (the class that its images are most often mistaken for, how many of them)."""
    label, predicted, images = part.confusions
    found = {}
    for i in np.flatnonzero(label != predicted):
        if images[i] > found.get(int(label[i]), (None, 0))[1]:
            found[int(label[i])] = int(predicted[i]), int(images[i])
    return found
