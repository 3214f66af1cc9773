"""Why a run cannot be adjusted, in the language of what is read.

Runs keep the reason as the English sentence of the mistake, those of earlier versions too; a language that has another
for it says that, and a sentence that none is known for stays as it is.
"""

from __future__ import annotations

import re

_CLASSES = {"zh-CN": (("class {classes}", "类别 {classes}"), ("{n} classes: {classes}", "{n} 个类别（{classes}）"))}
# (what English says, what the language says); `{}` are taken over, and {classes} are put in its words.
_REASONS = {
    "zh-CN": (
        (
            "ppcls-lt adjust: `{method}` must be used where every class has training images, got none of {classes}, "
            "whose prior has no logarithm",
            "{method} 要求每个类别都有训练图像，而{classes}没有，其先验的对数不存在。",
        ),
        (
            "ppcls-lt adjust: `{method}` must be used where every class has training images, got none of {classes}",
            "{method} 要求每个类别都有训练图像，而{classes}没有。",
        ),
        (
            "ppcls-lt adjust: `{method}` must be used where every class has held-out images, got none of {classes}",
            "{method} 要求每个类别都有留出图像，而{classes}没有。",
        ),
        (
            "ppcls-lt adjust: `{method}` must be used on a classifier whose class vectors' norms change the logits, "
            "got normalized",
            "{method} 只适用于类别向量的范数会改变 logit 的分类器，而这里的分类器是归一化的（normalized）。",
        ),
        (
            "ppcls-lt adjust: `{method}` must be used where the training images are there, got a training list that is "
            "not here",
            "{method} 需要训练图像，而这里没有训练列表。",
        ),
        (
            "ppcls-lt adjust: `--run` must be a training of a model whose logits come from one Linear layer, got "
            "{arch}, which has no Linear layer with {n} outputs",
            "只能调整 logit 来自一个 Linear 层的模型，而 {arch} 没有输出为 {n} 的 Linear 层。",
        ),
        (
            "ppcls-lt adjust: `--run` must be a training of a model whose logits come from one Linear layer, got "
            "{arch}, which has one output, for two classes; `class_num: 2` has a logit for each",
            "只能调整 logit 来自一个 Linear 层的模型，而 {arch} 用一个输出表示两个类别；`class_num: 2` 为每个类别各给"
            "一个 logit。",
        ),
        (
            "ppcls-lt adjust: `--run` must be a training of a model whose logits come from one Linear layer, got "
            "{arch}, which gives logits that are not those of its last Linear layer, {layer}, alone",
            "只能调整 logit 来自一个 Linear 层的模型，而 {arch} 的 logit 不只来自其最后的 Linear 层 {layer}。",
        ),
        (
            "ppcls-lt adjust: `--val-list` must be a list of enough images to cross-validate, got {n} of them",
            "留出图像只有 {n} 张，不足以交叉验证。",
        ),
    ),
}


def said(reason: str, language: str) -> str:
    """Return a reason in a language of a page, such as ``zh-CN``; as it is where the language has no other."""
    for english, other in _REASONS.get(language, ()):
        found = _parsed(english, reason)
        if found is not None:
            if "classes" in found:
                found["classes"] = _listed(found["classes"], language)
            return other.format(**found)
    return reason


def _listed(classes, language):
    for english, other in _CLASSES[language]:
        found = _parsed(english, classes)
        if found is not None:
            return other.format(**found)
    return classes


def _parsed(template, text):
    """What stands in a text for each gap of a template, or None where it is another text."""
    pattern = re.sub(r"\\{(\w+)\\}", lambda match: f"(?P<{match[1]}>.+?)", re.escape(template))
    found = re.fullmatch(pattern, text)
    return None if found is None else found.groupdict()
