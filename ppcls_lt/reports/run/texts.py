"""Every text of the report, in each language under the same keys; `{}` are filled in by the page."""

from ..parts.names import LANGUAGES

EN = {
    "html_lang": "en",
    "title": "Report of {arch}",
    "subtitle_train": "training in {folder}, begun {started}",
    "subtitle_eval": "evaluation in {folder}, begun {started}",
    "contents": "Contents",
    "stage": "Stage {stage} of {stages}",
    "stages": "The stages",
    "stage_number": "stage",
    "no_evaluation": "This stage left no evaluation.",
    "summary": "Summary",
    "overall": "overall",
    "balanced": "balanced",
    "many": "many",
    "medium": "medium",
    "few": "few",
    "all": "all classes",
    "accuracy": "accuracy",
    "per_cent": "{name}, %",
    "evaluation_shown": (
        "{images} evaluation images, {classes} classes. Shown is the last evaluation, after epoch {epoch} of {epochs}."
    ),
    "evaluation_alone": "{images} evaluation images, {classes} classes. Shown is an evaluation of given weights.",
    "best_epoch": (
        "By {name}, which PaddleClas compares, epoch {epoch} is the best; its weights are in best_model. For "
        "their report evaluate them with ppcls-lt eval."
    ),
    "first_value": "the first value of the first metric",
    "training_images": "{images} training images, imbalance ratio {ratio}.",
    "empty_classes": " {n} classes have none.",
    "groups_thresholds": (
        "Groups: many has more than {many} training images, few has less than {few}, medium the rest. The "
        "accuracy of a group is the mean recall of its classes."
    ),
    "groups_tertiles": (
        "Groups: the third of the classes with the most training images, the middle, and the third with the "
        "fewest. The accuracy of a group is the mean recall of its classes."
    ),
    "regrouped": "The groups are made of the counts that ManyMediumFewAcc has as group_by, not of these images.",
    "no_counts": (
        "The training images per class are not known here, so there are no groups; classes are ordered by their "
        "evaluation images."
    ),
    "group": "group",
    "classes": "classes",
    "train_images": "training images",
    "eval_images": "evaluation images",
    "distribution": "Class distribution",
    "distribution_about": "Training images per class.",
    "per_class": "Accuracy per class",
    "per_class_about": (
        "Above the training images, below the recall of each class: the share of its evaluation images that are "
        "predicted right. Classes stand from most to fewest training images."
    ),
    "binned": "The line is the mean over {bins} bins of neighbouring classes.",
    "worst": "The {n} classes with the lowest recall",
    "all_classes": "All {n} classes",
    "over_epochs": "Over the epochs",
    "over_epochs_about": "Each point is one evaluation. The dotted line is the evaluation shown in this report.",
    "one_evaluation": "There was one evaluation only.",
    "no_group_history": (
        "The groups are missing: they need a metric of ppcls-lt, such as ManyMediumFewAcc, in Metric.Eval."
    ),
    "values": "All values of every evaluation",
    "norms": "Classifier weight norms",
    "norms_about": (
        "L2 norm of the class vectors in the classifier {name}, at the evaluation shown. From most to fewest "
        "training images; with plain cross entropy the norms usually fall towards the rare classes."
    ),
    "norms_cosine": "The classifier is normalised: it divides by these norms, so they change no logit.",
    "norms_ratio": "Largest over smallest: {ratio}.",
    "norms_missing": (
        "Not known: the model has no Linear layer with an output for each class, or the run was not recorded."
    ),
    "confusion": "Confusion matrix",
    "confusion_about": (
        "Rows are the right classes, columns the predicted ones, both from most to fewest training images. The "
        "colour is the share of a row's images."
    ),
    "confusion_numbers": "The numbers are images.",
    "confusion_grouped": (
        "Neighbouring classes are joined, {size} at most; a cell on the diagonal also holds what is confused "
        "within it. The colour is logarithmic, and white is none."
    ),
    "confusion_log": "The colour is logarithmic, and white is none.",
    "between_groups": "Where the images of each group are predicted",
    "to_group": "predicted as {group}",
    "top_confusions": "The {n} most frequent confusions",
    "no_confusions": "Every image is predicted right.",
    "images": "images",
    "share": "share of the class",
    "right_class": "class",
    "predicted_class": "predicted",
    "calibration": "Calibration",
    "calibration_about": (
        "Confidence is the highest softmax probability. Where it is trustworthy, of the images predicted with a "
        "confidence of 80 % four in five are right, and the points lie on the diagonal. {bins} bins."
    ),
    "calibration_margin": (
        "The logits of margin losses and of normalised classifiers were never meant as probabilities."
    ),
    "confidence": "mean confidence",
    "gap": "confidence - accuracy",
    "ece": "ECE",
    "configuration": "Configuration",
    "configuration_about": (
        "As resolved: recipe, stage and -o are applied. It is {file} in the run's folder and trains again with "
        "ppcls-lt train -c."
    ),
    "configuration_about_eval": "As resolved: -o is applied. It is {file} in the run's folder.",
    "versions": "Versions and files",
    "processes": "processes",
    "device": "device",
    "seed": "seed",
    "files": "The same numbers and pictures are in {folder}: {names}.",
    "made_by": "Made by ppcls-lt {version}. This page loads nothing from elsewhere.",
    "class": "class",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "norm": "norm",
    "mistaken_for": "most often mistaken for",
    "epoch": "epoch",
    "loss": "loss",
    "fig_group": "{group} ({n} classes)",
    "fig_sorted": "classes, most to fewest training images",
    "fig_sorted_support": "classes, most to fewest evaluation images",
    "fig_recall": "recall, %",
    "fig_accuracy": "accuracy, %",
    "fig_norm": "L2 norm",
    "fig_rank_true": "right class, by rank",
    "fig_rank_predicted": "predicted class, by rank",
    "fig_share": "share of the row, %",
    "fig_confidence": "confidence, %",
    "fig_images": "images",
    "fig_mean": "mean of the bin",
}

ZH = {
    "html_lang": "zh-CN",
    "title": "{arch} 的报告",
    "subtitle_train": "训练目录 {folder}，开始于 {started}",
    "subtitle_eval": "评估目录 {folder}，开始于 {started}",
    "contents": "目录",
    "stage": "第 {stage} 阶段，共 {stages} 个阶段",
    "stages": "各阶段",
    "stage_number": "阶段",
    "no_evaluation": "这一阶段没有留下评估结果。",
    "summary": "概要",
    "overall": "总体",
    "balanced": "类别平均",
    "many": "多样本",
    "medium": "中样本",
    "few": "少样本",
    "all": "全部类别",
    "accuracy": "准确率",
    "per_cent": "{name}（%）",
    "evaluation_shown": (
        "评估图像 {images} 张，{classes} 个类别。以下是最后一次评估，在第 {epoch} 轮之后，共 {epochs} 轮。"
    ),
    "evaluation_alone": "评估图像 {images} 张，{classes} 个类别。以下是对给定权重的一次评估。",
    "best_epoch": (
        "按 PaddleClas 所比较的值（{name}），第 {epoch} 轮最好，其权重保存在 best_model 中。需要它的报告时，用 "
        "ppcls-lt eval 评估这些权重。"
    ),
    "first_value": "第一个指标的第一个值",
    "training_images": "训练图像 {images} 张，不平衡比 {ratio}。",
    "empty_classes": "{n} 个类别没有训练图像。",
    "groups_thresholds": (
        "分组：训练图像多于 {many} 张的是多样本类，少于 {few} 张的是少样本类，其余是中样本类。"
        "一组的准确率是组内各类召回率的平均。"
    ),
    "groups_tertiles": (
        "分组：训练图像最多的三分之一类别、中间的类别、最少的三分之一类别。一组的准确率是组内各类召回率的平均。"
    ),
    "regrouped": "分组依据是 ManyMediumFewAcc 的 group_by 中的图像数，而不是这些训练图像。",
    "no_counts": "这里不知道每个类别的训练图像数，因此没有分组；类别按评估图像数排列。",
    "group": "分组",
    "classes": "类别数",
    "train_images": "训练图像",
    "eval_images": "评估图像",
    "distribution": "类别分布",
    "distribution_about": "每个类别的训练图像数。",
    "per_class": "各类别的准确率",
    "per_class_about": (
        "上图是训练图像数，下图是各类别的召回率，即该类评估图像中预测正确的比例。类别按训练图像从多到少排列。"
    ),
    "binned": "折线是把相邻类别分成 {bins} 段后每段的平均值。",
    "worst": "召回率最低的 {n} 个类别",
    "all_classes": "全部 {n} 个类别",
    "over_epochs": "随训练轮次的变化",
    "over_epochs_about": "每个点是一次评估。虚线是本报告所示的那次评估。",
    "one_evaluation": "只有一次评估。",
    "no_group_history": "缺少各组的曲线：需要在 Metric.Eval 中列出 ppcls-lt 的指标，例如 ManyMediumFewAcc。",
    "values": "每次评估的全部数值",
    "norms": "分类器权重的范数",
    "norms_about": (
        "所示评估时分类器 {name} 中各类别向量的 L2 范数。类别按训练图像从多到少排列；用普通交叉熵训练时，"
        "范数通常随类别变少而减小。"
    ),
    "norms_cosine": "这个分类器是归一化的：它会除以这些范数，因此范数不改变任何 logit。",
    "norms_ratio": "最大值与最小值之比：{ratio}。",
    "norms_missing": "未知：模型没有输出数等于类别数的 Linear 层，或者运行时没有记录。",
    "confusion": "混淆矩阵",
    "confusion_about": "行是正确类别，列是预测类别，都按训练图像从多到少排列。颜色是占该行图像的比例。",
    "confusion_numbers": "数字是图像数。",
    "confusion_grouped": (
        "相邻的类别合并成一格，每格至多 {size} 个类别；对角线上的格也包含格内各类之间的混淆。颜色按对数刻度，"
        "白色表示没有。"
    ),
    "confusion_log": "颜色按对数刻度，白色表示没有。",
    "between_groups": "各组图像被预测到哪一组",
    "to_group": "预测为{group}",
    "top_confusions": "最常见的 {n} 种混淆",
    "no_confusions": "所有图像都预测正确。",
    "images": "图像数",
    "share": "占该类的比例",
    "right_class": "类别",
    "predicted_class": "预测为",
    "calibration": "校准",
    "calibration_about": (
        "置信度是最大的 softmax 概率。如果置信度可信，那么置信度为 80 % 的图像中应有五分之四预测正确，"
        "各点落在对角线上。分为 {bins} 段。"
    ),
    "calibration_margin": "带间隔的损失和归一化分类器的 logit 本来就不是按概率设计的。",
    "confidence": "平均置信度",
    "gap": "置信度减准确率",
    "ece": "ECE",
    "configuration": "配置",
    "configuration_about": (
        "已解析的配置：方案、阶段和 -o 都已生效。它是运行目录中的 {file}，可以用 ppcls-lt train -c 再次训练。"
    ),
    "configuration_about_eval": "已解析的配置：-o 已生效。它是运行目录中的 {file}。",
    "versions": "版本与文件",
    "processes": "进程数",
    "device": "设备",
    "seed": "随机种子",
    "files": "同样的数据和图片保存在 {folder} 中：{names}。",
    "made_by": "由 ppcls-lt {version} 生成。本页不从别处加载任何内容。",
    "class": "类别",
    "recall": "召回率",
    "precision": "精确率",
    "f1": "F1",
    "norm": "范数",
    "mistaken_for": "最常误判为",
    "epoch": "轮次",
    "loss": "损失",
    "fig_group": "{group}（{n} 类）",
    "fig_sorted": "类别，训练图像从多到少",
    "fig_sorted_support": "类别，评估图像从多到少",
    "fig_recall": "召回率（%）",
    "fig_accuracy": "准确率（%）",
    "fig_norm": "L2 范数",
    "fig_rank_true": "正确类别的名次",
    "fig_rank_predicted": "预测类别的名次",
    "fig_share": "占该行的比例（%）",
    "fig_confidence": "置信度（%）",
    "fig_images": "图像数",
    "fig_mean": "每段的平均值",
}

TEXTS = dict(zip(LANGUAGES, (EN, ZH)))
