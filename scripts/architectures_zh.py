"""Writes docs/zh/architectures.md, the Chinese page, from docs/architectures.md.

python scripts/architectures_zh.py

``list_architectures.py`` does so too, whenever it has written the English page.
"""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architectures.md"
CHINESE = PAGE.parent / "zh" / PAGE.name

INTRODUCTION = """\
# 哪些模型结构可以使用 `Arch.classifier: normalized`

[English](../architectures.md)

本页由脚本在 CPU 上用 Paddle {paddle} 生成；请不要直接修改，而是重新生成：

```bash
{command}
```

归一化分类器要求 logits 恰好来自一个 `Linear` 层；`IBLoss` 和 `IB_FocalLoss` 也有同样的要求，因为它们读取该层的输入。每种模型结构都按名称以 {classes} 个类别构建，在训练模式和评估模式下各运行一次。

- **是**：按所给的名称找到了分类器，模型的 logits 就是它的输出。
- **否**：训练会报错并指出该模型结构；原因即错误信息。
- **不能运行**：只凭名称和类别数，使用普通分类器也得不到能够运行的模型；原因是 PaddleClas 的错误信息。

原因一列中的 `...` 代表模型结构的名称。`RecModel` 没有列出：它与输出头 `FC` 一起可以使用归一化分类器，与 `ArcMargin`、`CosMargin` 或 `CircleMargin` 一起则不行，因为它们没有 `Linear` 层。
"""  # noqa: E501

# What follows the introduction, line by line.
SUMMARY = (
    (r"(\d+) names: ", r"\1 个名称："),
    (r"(\d+) not supported", r"\1 个不支持"),
    (r"(\d+) supported", r"\1 个支持"),
    (r"(\d+) do not run with the ordinary classifier either", r"\1 个使用普通分类器也不能运行"),
    (r"(\d+) not run here", r"\1 个没有在这里运行"),
    (r", ", "，"),
    (r"\.$", "。"),
)
ROW = (
    (
        r"^\| module \| architectures \| supported \| classifier \| reason \|",
        "| 模块 | 模型结构 | 支持 | 分类器 | 原因 |",
    ),
    (r"\| yes \|", "| 是 |"),
    (r"\| no \|", "| 否 |"),
    (r"\| fails \|", "| 不能运行 |"),
    (r"\| not run \|", "| 未运行 |"),
    (r"no Linear layer with (\d+) outputs", r"没有 \1 个输出的 Linear 层"),
    (
        r"the logits of \.\.\. are not the output of one Linear layer alone",
        "该模型结构的 logits 不只是一个 Linear 层的输出",
    ),
    (r" \(the last with that many outputs is (`[^`]+`)\)", r"（输出数相同的最后一层是 \1）"),
    (r"; the model gives a (\w+) of (\d+)", r"；模型给出 \2 项的 \1"),
    (r"; the model gives ", "；模型给出 "),
    (r"took more than (\S+) s", r"超过 \1 秒"),
    (r"the process died with exit code", "进程被终止，退出码为"),
    (r"not enough memory", "内存不足"),
)


def chinese(page):
    """The Chinese page for the text of the English one."""
    introduction, *sections = re.split(r"(?m)^## ", page)
    text = INTRODUCTION.format(
        paddle=re.search(r"with Paddle (\S+);", introduction)[1],
        command=re.search(r"```bash\n(.*)\n```", introduction)[1],
        classes=re.search(r"with (\d+) classes", introduction)[1],
    )
    for section in sections:
        title, *lines = section.rstrip().split("\n")
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        wheel = re.sub(r"PaddleClas wheel (\S+)", r"PaddleClas wheel 包 \1", title)
        text += f'\n<a id="{anchor}"></a>\n## {wheel}\n' + "\n".join(map(_line, lines)) + "\n"
    return text


def _line(line):
    for pattern, replacement in ROW if line.startswith("|") else SUMMARY:
        line = re.sub(pattern, replacement, line)
    return line


def main():
    CHINESE.write_text(chinese(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
