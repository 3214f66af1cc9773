"""What ``audit`` says in a terminal, in each language under the same keys; `{}` are filled in."""

from .texts import TEXTS

EN = {
    "said_part": "{part} {n}",
    "said_comma": ", ",
    "said_sizes": "{n} lines ({sizes}), {files} files, {known} measured before",
    "said_kind": "{kind} {n}",
    "said_labels": "labels likely wrong: {n} of {judged}, judged by {source}",
    "said_weak": (
        "caution: what judges agrees with {agreed} of the labels, the mean over classes; it knows too little, and most "
        "suspects will be right"
    ),
    "said_leak": "{other} images that {one} has too: {n} ({share}), {exact} of them exactly",
    "said_small": "classes with fewer usable training images than {folds} folds: {classes}",
    "said_more": ", ...",
    "said_removed": "removed, of an earlier call: {names} in {folder}",
    "said_left_out": "left out: {n} lines, see {path}",
    "said_use_train": "train with the rest: {flags}",
    "said_use_test": "test with the rest, by `ppcls-lt eval`: {flags}",
    "said_page": "page: {path}",
    "known_image": "{n} image of {all} known from an earlier call",
    "known_images": "{n} images of {all} known from an earlier call",
    "progress": "{done} of {all} images, {rate} a second, {left} s left",
}
ZH = {
    "said_part": "{part} {n}",
    "said_comma": "，",
    "said_sizes": "共 {n} 行（{sizes}），{files} 个文件，其中 {known} 个以前已测量",
    "said_kind": "{kind} {n}",
    "said_labels": "可能有误的标签：{judged} 张中的 {n} 张，评判者：{source}",
    "said_weak": "注意：评判者只与 {agreed} 的标签一致（各类别的平均）；它掌握得太少，被怀疑的标签多数并没有错",
    "said_leak": "{one}列表中也有的{other}图像：{n} 张（{share}），其中 {exact} 张完全相同",
    "said_small": "可用的训练图像少于 {folds} 折的类别：{classes}",
    "said_more": " 等",
    "said_removed": "已删除上次调用留下的：{folder} 中的 {names}",
    "said_left_out": "去掉了 {n} 行，见 {path}",
    "said_use_train": "用其余的图像训练：{flags}",
    "said_use_test": "用其余的图像测试（`ppcls-lt eval`）：{flags}",
    "said_page": "页面：{path}",
    "known_image": "{all} 张图像中有 {n} 张的结果来自先前的命令",
    "known_images": "{all} 张图像中有 {n} 张的结果来自先前的命令",
    "progress": "已测量 {all} 张图像中的 {done} 张，每秒 {rate} 张，还需 {left} 秒",
}
# English says lists and kinds by the names that the files have.
WORDS = {"en": EN, "zh": {**TEXTS["zh"], **ZH}}
