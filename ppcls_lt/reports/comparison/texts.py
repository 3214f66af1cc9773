"""Every text of a comparison, in each language under the same keys; `{}` are filled in."""

from ..parts.names import LANGUAGES

EN = {
    "html_lang": "en",
    "title": "Comparison of recipes: {title}",
    "subtitle": "{arch}, {epochs} epochs, seeds {seeds}",
    "overall": "overall",
    "many": "many",
    "medium": "medium",
    "few": "few",
    "balanced": "balanced",
    "overall_shot": "overall",
    "many_shot": "many-shot",
    "medium_shot": "medium-shot",
    "few_shot": "few-shot",
    "balanced_shot": "balanced",
    "accuracy_of": "{measure} accuracy",
    "validation_images": "validation images",
    "test_images": "test images",
    "chosen": "Chosen",
    "chosen_by": "On the validation images {recipe} has the highest {measure}, {value} %.",
    "chosen_only": "The only recipe here is {recipe}; its {measure} on the validation images is {value} %.",
    "chosen_baseline": "No recipe is above {baseline}.",
    "nothing_chosen": "No recipe is chosen: the {measure} on the validation images is undefined.",
    "nothing_finished": "No run has finished, so there is nothing to rank.",
    "choice_validation": (
        "Recipes are chosen on images that did not train them; the accuracies called test are of test images."
    ),
    "gain": "On the test images, against {baseline}: {parts}.",
    "gain_first": "{measure} accuracy {before} % -> {after} %, {points} points",
    "gain_next": "{measure} {points}",
    "gain_work": "trained on {times} times as many images",
    "same": "Not trained a second time, since it changes nothing in {baseline}: {recipes}.",
    "adjusted": (
        "RECIPE+METHOD is the recipe's model, adjusted after the training by ppcls-lt adjust; its validation accuracy "
        "is cross-validated."
    ),
    "unadjusted": "Not adjusted: {candidate}. {reason}",
    "semicolon": "; ",
    "comma": ", ",
    "colon": ": ",
    "between": " ",
    "caution": "Caution: {text}",
    "caution_no_baseline": "{baseline} is not among the finished recipes, so gains are unknown.",
    "caution_missing": "Runs still missing: {n}. They may change the ranking.",
    "caution_failures": "Runs that failed: {n}. They are listed below.",
    "caution_seeds": (
        "Not every recipe has every seed; means over different seeds are less comparable. Gains are over the seeds "
        "that a recipe shares with {baseline}."
    ),
    "caution_versions": "The runs are of different versions, which may tell them apart: {versions}.",
    "caution_few_images": (
        "The choice rests on few validation images: the {group} classes have {n} of them, the class with the fewest "
        "{least}. More --seeds or a --val-list give more."
    ),
    "caution_equal": (
        "{recipe} is only the first of several recipes with the same {measure} on the validation images, which cannot "
        "tell it from {others}."
    ),
    "caution_one_seed": (
        "One seed only: how much a value varies from seed to seed is unknown, and small differences may be chance."
    ),
    "caution_unpaired": (
        "{recipe} and {other} share one seed at most: how much their difference in {measure} on the {images} varies "
        "is unknown."
    ),
    "caution_within": (
        "The difference between {recipe} and {other} in {measure} on the {images}, {points} points, is within its "
        "spread over seeds."
    ),
    "caution_below": "In {measure} on the {images}, {recipe} is below {other}: {points} points.",
    "table": "All recipes",
    "rank": "rank",
    "recipe": "recipe",
    "recipe_baseline": "{recipe} (baseline)",
    "seeds": "seeds",
    "validation": "validation",
    "validation_short": "val.",
    "test": "test",
    "gain_head": "gain",
    "work": "work",
    "head": "{kind} {measure}",
    "tile": "{kind} {measure}, %",
    "gain_points": "{measure} gain, points",
    "gain_short": "{measure} gain",
    "work_head": "work / {baseline}",
    "table_about": (
        "Accuracies in per cent, ranked by the {measure} on the validation images. The accuracy of a group is the "
        "mean recall of its classes, balanced is that of all classes. The gain, in percentage points, is "
        "over {baseline} with the same seed. Work is the number of images trained on, each as often as it was seen, "
        "as a multiple of that of {baseline}."
    ),
    "table_spread": "Behind each mean stands the sample standard deviation over seeds.",
    "table_narrow": "A wider terminal also shows the spread over seeds, which is in comparison.csv as well.",
    "table_one_seed": "Every recipe was trained with one seed.",
    "gains": "Gains over {baseline} on the test images, in percentage points",
    "groups": "Accuracy by group",
    "groups_about": (
        "Test accuracy of every recipe in the order of the table. The axes begin at different values, but a point is "
        "equally long on all of them."
    ),
    "groups_line": "The dashed line is {baseline}.",
    "error_bars": "Error bars are the sample standard deviation over seeds.",
    "trade_off": "What the tail gains and the head pays",
    "trade_off_about": (
        "Upwards, the few-shot gain over {baseline}; to the left, what the many-shot classes lose for it. Recipes "
        "on the upper right improve both."
    ),
    "classes": "Accuracy of each class against the baseline",
    "classes_about": (
        "Each cell is the test accuracy of a recipe minus that of {baseline}: blue is better, red is worse, white is "
        "equal, grey has no test image. Classes stand from most to fewest training images."
    ),
    "classes_joined": "Neighbouring classes are joined, {size} at most, never across groups.",
    "epochs": "Validation over the epochs",
    "epochs_about": (
        "The {measure} on the validation images after each epoch, mean over seeds, of {baseline} and of the five "
        "best besides it. Of a recipe in stages it is the last stage."
    ),
    "replaced": "What recipes replace in the base",
    "place": "entry",
    "in_base": "in the base",
    "in_recipe": "with the recipe",
    "failures": "Failed runs",
    "run_of": "{recipe}, seed {seed}",
    "runs_of": "seeds {seeds}",
    "missing": "Runs still missing",
    "data": "Data",
    "list": "images",
    "training_list": "training",
    "validation_list": "validation",
    "test_list": "test",
    "path": "list",
    "number": "number",
    "group": "group",
    "class_number": "classes",
    "train_images": "training and validation images",
    "validation_fewest": "fewest in a class",
    "classes_all": "{n} classes.",
    "groups_thresholds": "Groups: many has more than {many} images, few has less than {few}, medium the rest.",
    "groups_tertiles": (
        "Groups: the third of the classes with the most images, the middle, and the third with the fewest."
    ),
    "trained_by": "Trained by {versions}.",
    "command": "Command",
    "files": "Files",
    "files_about": "The same numbers are in {names}; the pictures are in {folder}.",
    "files_tables": "The same numbers are in {names}.",
    "made_by": "Made by ppcls-lt {version}. This page loads nothing from elsewhere.",
    "fig_accuracy": "test accuracy, %",
    "fig_gain": "{measure} gain over {baseline}, points",
    "fig_difference": "difference to {baseline}, points",
    "fig_sorted": "classes, most to fewest images",
    "fig_rank": "rank of the class, most to fewest images",
    "fig_epoch": "epoch",
    "fig_validation": "{measure}, %",
    "fig_group": "{group} ({n} classes)",
}

ZH = {
    "html_lang": "zh-CN",
    "title": "方案比较：{title}",
    "subtitle": "{arch}，{epochs} 轮，随机种子 {seeds}",
    "overall": "总体",
    "many": "多样本",
    "medium": "中样本",
    "few": "少样本",
    "balanced": "类别平均",
    "overall_shot": "总体",
    "many_shot": "多样本类",
    "medium_shot": "中样本类",
    "few_shot": "少样本类",
    "balanced_shot": "类别平均",
    "accuracy_of": "{measure}准确率",
    "validation_images": "验证图像",
    "test_images": "测试图像",
    "chosen": "选中的方案",
    "chosen_by": "{recipe} 在验证图像上的{measure}最高，为 {value} %。",
    "chosen_only": "这里只有 {recipe} 一个方案；它在验证图像上的{measure}为 {value} %。",
    "chosen_baseline": "没有方案优于 {baseline}。",
    "nothing_chosen": "没有选出方案：验证图像上的{measure}没有定义。",
    "nothing_finished": "还没有完成的训练，因此无法排名。",
    "choice_validation": "方案只根据未参与训练的图像选择；标为“测试”的准确率来自测试图像。",
    "gain": "在测试图像上与 {baseline} 相比：{parts}。",
    "gain_first": "{measure}准确率 {before} % → {after} %，{points} 个百分点",
    "gain_next": "{measure} {points}",
    "gain_work": "训练图像数为 {times} 倍",
    "same": "没有再次训练，因为对 {baseline} 没有任何改动：{recipes}。",
    "adjusted": "“配方+方法”是训练后由 ppcls-lt adjust 调整过的该配方的模型，其验证准确率经交叉验证得出。",
    "unadjusted": "未调整：{candidate}。{reason}",
    "semicolon": "；",
    "comma": "、",
    "colon": "：",
    "between": "",
    "caution": "注意：{text}",
    "caution_no_baseline": "已完成的方案中没有 {baseline}，因此不知道提升。",
    "caution_missing": "还有 {n} 次训练没有完成，它们可能改变排名。",
    "caution_failures": "{n} 次训练失败，列在下面。",
    "caution_seeds": (
        "并非每个方案都有全部随机种子的结果；不同种子上的平均值可比性较差。提升只用该方案与 {baseline} 共有的种子计算。"
    ),
    "caution_versions": "各次训练的软件版本不同，差别可能来自版本：{versions}。",
    "caution_few_images": (
        "选择所依据的验证图像很少：{group}共有 {n} 张，最少的一类有 {least} 张。可用更多 --seeds 或 --val-list 增加。"
    ),
    "caution_equal": "{recipe} 只是验证图像上{measure}相同的几个方案中的第一个，验证图像无法区分它与 {others}。",
    "caution_one_seed": "只有一个随机种子：不知道数值随种子的波动，小的差别可能只是偶然。",
    "caution_unpaired": ("{recipe} 与 {other} 至多有一个共同的随机种子：不知道两者在{images}上的{measure}之差的波动。"),
    "caution_within": ("{recipe} 与 {other} 在{images}上的{measure}之差为 {points} 个百分点，没有超出它随种子的波动。"),
    "caution_below": "在{images}上，{recipe} 的{measure}低于 {other}：{points} 个百分点。",
    "table": "全部方案",
    "rank": "名次",
    "recipe": "方案",
    "recipe_baseline": "{recipe}（基线）",
    "seeds": "种子数",
    "validation": "验证",
    "validation_short": "验证",
    "test": "测试",
    "gain_head": "提升",
    "work": "训练量",
    "head": "{kind} {measure}",
    "tile": "{kind}{measure}（%）",
    "gain_points": "{measure}提升（百分点）",
    "gain_short": "{measure} 提升",
    "work_head": "训练量 / {baseline}",
    "table_about": (
        "准确率以百分数表示，按验证图像上的{measure}排名。一组的准确率是组内各类召回率的平均，类别平均是所有类别的平均。"
        "提升（百分点）是与同一随机种子的 {baseline} 相比。"
        "训练量是训练时看过的图像数（重复计入），为 {baseline} 的倍数。"
    ),
    "table_spread": "数值为各随机种子的平均值 ± 样本标准差。",
    "table_narrow": "更宽的终端会同时显示随种子的波动，它也在 comparison.csv 中。",
    "table_one_seed": "每个方案只用一个随机种子训练。",
    "gains": "测试图像上相对 {baseline} 的提升（百分点）",
    "groups": "各组的准确率",
    "groups_about": ("每个方案的测试准确率，顺序与表格相同。各坐标轴的起点不同，但一个百分点的长度相同。"),
    "groups_line": "虚线是 {baseline}。",
    "error_bars": "误差线是各随机种子的样本标准差。",
    "trade_off": "尾部的提升与头部的代价",
    "trade_off_about": (
        "纵轴是少样本类相对 {baseline} 的提升；越靠左，多样本类为此损失越多。右上方的方案两者都有提升。"
    ),
    "classes": "各类别的准确率与基线之差",
    "classes_about": (
        "每格是一个方案的测试准确率减去 {baseline} 的测试准确率：蓝色更好，红色更差，白色相同，灰色没有测试图像。"
        "类别按训练图像从多到少排列。"
    ),
    "classes_joined": "相邻的类别合并成一格，每格至多 {size} 个类别，不跨组。",
    "epochs": "验证结果随训练轮次的变化",
    "epochs_about": (
        "{baseline} 和除它之外最好的五个方案在每轮之后验证图像上的{measure}，取各随机种子的平均值。"
        "分阶段的方案只画最后一个阶段。"
    ),
    "replaced": "各方案在原配置中替换的内容",
    "place": "条目",
    "in_base": "原配置",
    "in_recipe": "使用方案后",
    "failures": "失败的训练",
    "run_of": "{recipe}，种子 {seed}",
    "runs_of": "种子 {seeds}",
    "missing": "还没有完成的训练",
    "data": "数据",
    "list": "图像",
    "training_list": "训练",
    "validation_list": "验证",
    "test_list": "测试",
    "path": "列表",
    "number": "图像数",
    "group": "分组",
    "class_number": "类别数",
    "train_images": "训练和验证图像",
    "validation_fewest": "最少的一类",
    "classes_all": "共 {n} 个类别。",
    "groups_thresholds": "分组：图像多于 {many} 张的是多样本类，少于 {few} 张的是少样本类，其余是中样本类。",
    "groups_tertiles": "分组：图像最多的三分之一类别、中间的类别、最少的三分之一类别。",
    "trained_by": "训练所用版本：{versions}。",
    "command": "命令",
    "files": "文件",
    "files_about": "同样的数据保存在 {names} 中，图片保存在 {folder} 中。",
    "files_tables": "同样的数据保存在 {names} 中。",
    "made_by": "由 ppcls-lt {version} 生成。本页不从别处加载任何内容。",
    "fig_accuracy": "测试准确率（%）",
    "fig_gain": "{measure}相对 {baseline} 的提升（百分点）",
    "fig_difference": "与 {baseline} 之差（百分点）",
    "fig_sorted": "类别，图像从多到少",
    "fig_rank": "类别的名次，图像从多到少",
    "fig_epoch": "轮次",
    "fig_validation": "{measure}（%）",
    "fig_group": "{group}（{n} 类）",
}

TEXTS = dict(zip(LANGUAGES, (EN, ZH)))
