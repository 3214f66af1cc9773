"""The texts of the report in Chinese, under the keys of the English ones."""

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
    "balanced": "平衡准确率",
    "many": "头部",
    "medium": "中部",
    "few": "尾部",
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
        "分组：训练图像多于 {many} 张的是头部（many），少于 {few} 张的是尾部（few），其余是中部（medium）。"
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
        "已解析的配置：配方、阶段和 -o 都已生效。它是运行目录中的 {file}，可以用 ppcls-lt train -c 再次训练。"
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
    "interval": "95 % 区间",
    "intervals_about": (
        "区间说明这么少的评估图像得到的准确率可能偏差多少：单个比例用 Wilson 区间，各类平均由各类区间合成。"
    ),
    "predicted_images": "预测为该类",
    "curves": "召回率与精确率随置信度的变化",
    "curves_about": "低于所需置信度的预测不计入（即归为“不确定”）时各类的结果。括号内是该类的评估图像数。",
    "curves_fewer": "这里只显示召回率最低的 {n} 类；全部类别见 curves.csv。",
    "fig_threshold": "所需置信度（%）",
    "mistakes": "置信度最高的错误",
    "mistakes_about": (
        "共有 {wrong} 张图像预测错误。每类显示置信度最高的 {each} 张，最多 {most} 类，召回率最低的在前。"
        "错的往往是标签。"
    ),
    "mistakes_of": "错 {n} 张",
    "taken_for": "{name}，{share} %",
    "mistakes_unknown": "无法显示图像：评估所用的不是标签列表，或该列表已不在或已改变。",
}
