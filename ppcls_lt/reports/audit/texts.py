"""Every text of the page of an audit, in each language under the same keys; `{}` are filled in by the page."""

from ..parts.names import LANGUAGES

EN = {
    "html_lang": "en",
    "title": "Audit of a data set",
    "made_by": "Made by ppcls-lt {version}.",
    "train": "training",
    "val": "validation",
    "test": "test",
    "summary": "What was found",
    "summary_about": "Lines of each list. The images stand below, each linked to its file.",
    "kind": "kind",
    "class": "class",
    "no_picture": "cannot be shown",
    "more": "{shown} of {all} are shown; all stand in audit/suspects.csv.",
    "left_out": "Left out of the lists",
    "left_out_about": (
        "The lists in lists/ are without these lines, which stand in lists of their own beside them; "
        "lists/left_out.csv has the reason of each. The lists that were read are as they were."
    ),
    "leaks": "Images in two lists",
    "leaks_about": (
        "Images of a list that judges which a list that learns has too, exactly or nearly. What is measured on them is "
        "memory. Another class: no copy has the same."
    ),
    "learns": "learns",
    "judges": "judges",
    "shared": "shared images",
    "share": "share, %",
    "exactly": "exactly",
    "other_class": "another class",
    "leaks_of_classes": "For each class",
    "small": "Classes with few images",
    "small_about": (
        "Usable are different images that can be read. These have fewer in training than {folds} folds: some folds "
        "hold out none of them, and a class of one image is never held out, so that no comparison can judge it."
    ),
    "small_none": "Every class has at least {folds} usable training images, one for each fold.",
    "train_lines": "training lines",
    "train_usable": "usable",
    "val_usable": "usable in validation",
    "test_usable": "usable in test",
    "labels": "Labels by held-out predictions",
    "labels_about": (
        "{images} images were predicted by models that had not seen them ({source}). First each class is given, in the "
        "mean, the share of its labels, whatever the models take it for. Images of rare classes are still less "
        "probable of theirs; so each class is judged by its own measure: the mean probability that its own images "
        "get. Likely wrong is a label that gets less than a quarter of it, where another class is predicted."
    ),
    "labels_weak": (
        "Caution: the models agree with {agreed} % of the labels, the mean over classes. They know too little, and "
        "most of what they suspect will be right."
    ),
    "judged": "judged images",
    "own": "mean probability of its own images",
    "wrong": "likely wrong",
    "wrong_share": "of its images, %",
    "seem_of": "images of other classes that seem of it",
    "overlap": "Overlap of classes",
    "overlap_about": (
        "Pairs of classes whose images are taken for each other most, as they reach the measure of the other (the "
        "confident joint): ambiguous, hard to tell apart, or labelled in two ways. Share: of the judged images of both."
    ),
    "overlap_none": "No two classes overlap.",
    "one_class": "class",
    "another_class": "and",
    "both_ways": "images taken for the other",
    "unreadable": "Cannot be read",
    "unreadable_about": "Missing files, damaged ones, and formats that PaddleClas does not read.",
    "empty": "Empty files",
    "empty_about": "Files without a byte.",
    "tiny": "Tiny images",
    "tiny_about": "The shorter side is below {side} pixels.",
    "black": "Black images",
    "black_about": "All but no light: mean and standard deviation of the grey levels are below 8 of 255.",
    "uniform": "Images of one colour",
    "uniform_about": "The standard deviation of the grey levels is below 3 of 255.",
    "blurred": "Blurred or enlarged images",
    "blurred_about": (
        "Halved and enlarged again, they lose less than {sharpness} of their contrast: nothing in them is finer than "
        "two pixels. The most blurred come first."
    ),
    "exact": "Exact duplicates",
    "exact_about": "Images with the same pixels, whatever the file. {groups} groups.",
    "near": "Near duplicates",
    "near_about": (
        "Pairs that look alike: re-encoded, resized, or slightly changed. The perceptual hashes differ in few bits, "
        "and the pictures at 16 pixels by less than {limit} of their contrast. The most alike come first."
    ),
    "label": "Labels that are likely wrong",
    "label_about": (
        "Ranked by the probability of the label as a share of what its class gets; the least likely come first, with "
        "the class that is predicted."
    ),
    "files_about": "All findings: audit/suspects.csv; all classes: audit/classes.csv.",
}
ZH = {
    "html_lang": "zh-CN",
    "title": "数据集审查",
    "made_by": "由 ppcls-lt {version} 生成。",
    "train": "训练",
    "val": "验证",
    "test": "测试",
    "summary": "发现",
    "summary_about": "各列表中的行数。图像见下文，每张都链接到其文件。",
    "kind": "种类",
    "class": "类别",
    "no_picture": "无法显示",
    "more": "显示 {all} 项中的 {shown} 项；全部见 audit/suspects.csv。",
    "left_out": "从列表中去掉的行",
    "left_out_about": (
        "lists/ 中的列表不含这些行，它们在旁边的单独列表中；每行的原因见 lists/left_out.csv。原列表没有改动。"
    ),
    "leaks": "两个列表共有的图像",
    "leaks_about": (
        "用于评判的列表中，用于学习的列表也有的图像（完全相同或近似）。在其上测得的是记忆。"
        "类别不同：没有一个副本的类别与之相同。"
    ),
    "learns": "学习",
    "judges": "评判",
    "shared": "共有图像",
    "share": "占比，%",
    "exactly": "完全相同",
    "other_class": "类别不同",
    "leaks_of_classes": "各类别",
    "small": "图像过少的类别",
    "small_about": (
        "可用指能读取的不同图像。这些类别的训练图像少于 {folds} 折："
        "有的折中没有它们，只有一张图像的类别永远不会被留出，比较无法评判它。"
    ),
    "small_none": "每个类别至少有 {folds} 张可用的训练图像，每折一张。",
    "train_lines": "训练行数",
    "train_usable": "可用",
    "val_usable": "验证可用",
    "test_usable": "测试可用",
    "labels": "由留出预测评判的标签",
    "labels_about": (
        "{images} 张图像由没有见过它们的模型预测（{source}）。"
        "无论模型怎样看待各类别，先使每个类别的平均概率等于它在标签中的比例。"
        "稀有类别的图像得到自己类别的概率仍然较低，因此每个类别用自己的尺度评判："
        "其自身图像所得的平均概率。“可能有误”指标签所得不到该尺度的四分之一，且预测为另一类别。"
    ),
    "labels_weak": "注意：模型只与 {agreed} % 的标签一致（各类别的平均）。模型掌握得太少，它所怀疑的标签大多是对的。",
    "judged": "评判的图像",
    "own": "自身图像的平均概率",
    "wrong": "可能有误",
    "wrong_share": "占该类图像，%",
    "seem_of": "看似属于它的其他类图像",
    "overlap": "类别重叠",
    "overlap_about": (
        "最常被互相混淆（达到另一类的尺度，即置信联合分布）的类别对：含糊、难以区分，或有两种标注方式。"
        "占比：两类所评判的图像。"
    ),
    "overlap_none": "没有重叠的类别。",
    "one_class": "类别",
    "another_class": "与",
    "both_ways": "被当作另一类的图像",
    "unreadable": "无法读取",
    "unreadable_about": "缺失或损坏的文件，以及 PaddleClas 不能读取的格式。",
    "empty": "空文件",
    "empty_about": "没有任何字节的文件。",
    "tiny": "过小的图像",
    "tiny_about": "短边小于 {side} 像素。",
    "black": "全黑图像",
    "black_about": "几乎没有光：灰度的均值和标准差都低于 8（满值 255）。",
    "uniform": "单色图像",
    "uniform_about": "灰度的标准差低于 3（满值 255）。",
    "blurred": "模糊或被放大的图像",
    "blurred_about": "缩小一半再放大后，损失不到对比度的 {sharpness}：其中没有小于两个像素的细节。最模糊的在前。",
    "exact": "完全重复",
    "exact_about": "像素完全相同的图像，不论文件如何。共 {groups} 组。",
    "near": "近似重复",
    "near_about": (
        "看起来相同的图像对：重新编码、缩放或略有改动。感知哈希只差几位，"
        "16 像素的缩略图之差小于对比度的 {limit}。最相似的在前。"
    ),
    "label": "可能有误的标签",
    "label_about": "按标签概率占其类别所得概率的份额排列，最不可信的在前，并给出预测的类别。",
    "files_about": "全部发现：audit/suspects.csv；全部类别：audit/classes.csv。",
}
TEXTS = dict(zip(LANGUAGES, (EN, ZH)))
