"""The tests of Chinese pages notice what they are for; the texts of reports keep to the glossary as the pages do."""

import re

import pytest

from ppcls_lt.reports.audit import messages as audit
from ppcls_lt.reports.comparison import messages
from ppcls_lt.reports.run import texts as run

from .pages import Page
from .side_by_side import differences
from .test_chinese_pages import not_used
from .typesetting import faults

ENGLISH = """# A page

[中文](zh/page.md)

With `--flag` 5,000 images take $x_1$ steps, [see](other.md#place):

```sh
ppcls-lt counts train.txt  # all
```

## A table

- one
- two

| a | b |
| --- | ---: |
| `c` | 1.5 |

<!-- made: begin -->
| 7 |
<!-- made: end -->
"""
CHINESE = """# 页面

[English](../page.md)

使用 `--flag` 时，5,000 张图像需要 $x_1$ 步，[见此](other.md#place)：

```sh
ppcls-lt counts train.txt  # all
```

<a id="a-table"></a>
## 表格

- 一
- 二

| 甲 | 乙 |
| --- | ---: |
| `c` | 1.5 |

<!-- made: begin -->
| 7 |
<!-- made: end -->
"""


def of_both(text):
    """What is told of a Chinese page beside the English one."""
    translated = {"docs/other.md": "docs/zh/other.md"}
    ours, theirs = Page("docs/zh/page.md", text), Page("docs/page.md", ENGLISH)
    return [*differences(ours, theirs, lambda path: translated.get(path, path)), *faults(ours)]


def test_a_faithful_page_is_none():
    assert of_both(CHINESE) == []


@pytest.mark.parametrize(
    "line, there, instead, message",
    [
        (1, "--flag", "--flags", "in this section code `--flag` of docs/page.md:5 is missing"),
        (1, "5,000", "500", "the figure `5,000` of docs/page.md:5 is missing"),
        (5, "5,000", "9,000", "the figure `9,000` is not in the section of docs/page.md"),
        (1, "$x_1$", "$x_2$", "the formula `x_1` of docs/page.md:5 is missing"),
        (5, "other.md#place", "../other.md#place", "the link to `docs/other.md#place` is not in"),
        (8, "# all", "# 全部", "docs/page.md:8 has 'ppcls-lt counts train.txt  # all'"),
        (12, "## 表格", "### 表格", "a heading of level 3, docs/page.md:11 “A table” is of level 2"),
        (12, '"a-table"', '"table"', 'wants <a id="a-table"></a> on the line before this heading'),
        (12, "- 二\n", "", "1 items of lists, docs/page.md:11 has 2"),
        (19, "1.5", "1.6", "figures ['1.6'] in “1.6”, docs/page.md:18 has ['1.5']"),
        (18, "---:", "---", "the column is `---`, docs/page.md:17 has `---:`"),
        (21, "| 7 |", "| 8 |", "the generated block `made` is not that of docs/page.md: copy it"),
        (5, "时，", "时,", "half-width punctuation beside Chinese"),
        (5, "（", "(", ""),
        (5, "使用 ", "使用", "a space between Chinese and Latin letters"),
        (5, "时，", "时， ", "no space beside full-width punctuation"),
        (5, "使用", "使\n用", "goes on with the paragraph of the line before"),
        (14, "- 一", "- **一。**二", "is not shown in bold"),
    ],
)
def test_a_difference_is_told_with_its_line(line, there, instead, message):
    text = CHINESE.replace("使用 `", "（使用 `").replace("$x_1$ 步", "$x_1$ 步）") if there == "（" else CHINESE
    assert there in text
    told = of_both(text.replace(there, instead, 1))
    number = {"goes": line + 1}.get(message[:4], line)
    assert [each for each in told if each.startswith(f"{number}: ") and message in each], told


@pytest.mark.parametrize("texts", [messages.WORDS["zh"], run.ZH, audit.WORDS["zh"]], ids=["comparison", "run", "audit"])
def test_reports_use_one_word_for_one_thing(texts):
    words = not_used()
    told = [f"{key}: {word}: write {words[word]}" for key, text in texts.items() for word in words if word in text]
    assert not told and not [text for text in texts.values() if re.search(r"[\u4e00-\u9fff][,;:!?]", text)]
