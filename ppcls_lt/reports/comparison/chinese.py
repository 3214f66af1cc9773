"""Every text of a comparison in Chinese, under the keys of ``texts.EN``; `{}` are filled in."""

ZH = {
    "html_lang": "zh-CN",
    "title": "配方比较：{title}",
    "heading": "{title}，{subtitle}",
    "subtitle": "{arch}，{epochs} 轮，随机种子 {seeds}",
    "overall": "总体",
    "many": "头部",
    "medium": "中部",
    "few": "尾部",
    "balanced": "平衡准确率",
    "overall_shot": "总体",
    "many_shot": "头部",
    "medium_shot": "中部",
    "few_shot": "尾部",
    "balanced_shot": "平衡",
    "accuracy_of": "{measure}准确率",
    "chosen": "选中的配方",
    "answer": (
        "建议使用 {recipe}。在未参与训练的图像上，它的{measure}为 {after} %，你的原配置 {baseline} 为 {before} %"
        "。提升 {points} 个百分点，90 % 置信区间为 {interval}。"
    ),
    "answer_sure": "就留出的图像和各随机种子所能说明的而言，它对你的数据优于 {baseline}。",
    "answer_unsure": "区间包含 0：尚不能说明它确有提升。更多随机种子会使区间变窄。",
    "answer_base": (
        "保留你的原配置 {baseline}：在未参与训练的图像上，其余 {n} 个候选平滑后的{measure}都不更高；它自己的为 "
        "{before} %。"
    ),
    "answer_alone": "候选只有你的原配置 {baseline}；它在留出图像上的{measure}为 {before} %。",
    "answer_groups": "分组来看：{parts}。",
    "answer_few": "训练图像少的类别 {points} 个百分点",
    "answer_many": "训练图像多的类别 {points} 个百分点",
    "answer_work": "它训练的图像数是 {baseline} 的 {times} 倍。",
    "answer_work_same": "它训练的图像数与 {baseline} 相同。",
    "answer_best": "它是 {n} 个候选中最好者的概率为 {best} %。",
    "answer_only": "其他候选都落后于它，差距超出偶然。",
    "answer_equals": "以 90 % 的置信度无法与它区分的另有：{others}。{reason}",
    "reason_highest": "选它是因为其中它平滑后的{measure}最高。",
    "reason_base": "选 {baseline} 是因为其中它平滑后的{measure}最高，而且什么都不用改。",
    "and_more": "等，还有 {n} 个",
    "interval": "{low} 至 {high}",
    "nothing_chosen": "还没有选出配方：选择在最后进行，并需要 {baseline} 已完成的训练。",
    "nothing_finished": "还没有完成的训练，因此无法排名。",
    "tested": (
        "在不参与选择的测试图像上，用这些训练的权重：{baseline} 的{measure}为 {before} %，{recipe} 为 {after} %，"
        "相差 {points} 个百分点。"
    ),
    "tested_base": "在不参与选择的测试图像上，它的{measure}为 {after} %。",
    "refit": "用全部训练列表训练后，测试图像上的{measure}：{parts}。",
    "refit_of": "{recipe} {value} %",
    "caution_incomplete": "没有评判，因为缺少 {baseline} 已有的种子的训练：{recipes}。",
    "caution_unjudged": "没有留出图像、因而不计入选择的类别：{classes}。",
    "caution_few_images": (
        "留出的图像很少：{group}类别共 {n} 张，最少的一类 {least} 张。可用更多 --seeds 或 --val-list 增加。"
    ),
    "caution_one_seed": "只有一个随机种子：区间只反映图像的偶然性，另一次训练的差别可能更大。请用三个以上的种子。",
    "caution_epochs": (
        "这些训练为 {epochs} 轮，而最终训练（best.yaml）按基础配置为 {final} 轮：轮数不同，最好的配方也可能不同。"
        "不给 --epochs 时两者轮数相同。"
    ),
    "caution_below": "在测试图像上，{recipe} 的{measure}低于 {other}：{points} 个百分点。",
    "caution_refit_below": (
        "用全部训练列表训练后，测试图像上 {recipe} 的{measure}低于 {other}：{points} 个百分点。两者各只有一次训练。"
    ),
    "held_out": "留出 {measure}",
    "gain_of": "{measure}提升",
    "gain_tile": "{measure}提升（百分点）",
    "interval_head": "90 % 区间",
    "best_head": "最好（%）",
    "best_short": "最好",
    "best_tile": "是最好者的概率（%）",
    "equal_mark": "{recipe} (=)",
    "table_about": (
        "按所有种子的留出图像上平滑后的{measure}排名，因此提升较大的可能排在较小的之后。准确率以 % 表示。提升"
        "（百分点）是在同样的图像上与 {baseline} 相比，区间以 90 % 的置信度包含它。“最好”是它在全部候选中最好的概率（%"
        "）。(=) 表示无法与选中的配方区分。"
    ),
    "work_about": "训练量是训练的图像数，为 {baseline} 的倍数。",
    "scroll": "表格比屏幕宽，可以横向滚动。",
    "scroll_picture": "图片比屏幕宽，可以横向滚动。",
    "tests": "测试图像",
    "tests_about": "读取过测试图像的配方在其上的准确率（%），测试图像不参与选择：各种子的平均值 ± 样本标准差。",
    "tests_one_seed": "读取过测试图像的配方在其上的准确率（%），测试图像不参与选择。",
    "gains": "提升及其不确定性",
    "gains_about": (
        "留出图像上{measure}相对 {baseline} 的提升及其 90 % 区间。蓝色是选中的配方，黑色是无法与它区分的，灰色是"
        "其余的。竖线右侧优于 {baseline}。"
    ),
    "gains_first": "只画出 {all} 个中的前 {n} 个，表格中有全部。",
    "per_class": "各类别：选中的配方与原配置",
    "per_class_about": (
        "{recipe}（蓝色）和 {baseline}（灰色）在每个类别的留出图像上的准确率，以及由图像数得出的 90 % 区间；图像"
        "数写在下面。类别按训练图像从多到少排列。"
    ),
    "classes": "各配方对各类别的改变",
    "classes_about": (
        "每格是一个配方在某类留出图像上的准确率减去 {baseline} 的准确率（百分点）：蓝色更好，红色更差，白色相同，"
        "灰色没有留出图像。图像少的类别，差别可能只是偶然。"
    ),
    "epochs_about": (
        "{baseline} 和除它之外最好的五个配方在每轮之后验证图像上的{measure}（轮次据此选择），取各随机种子的平均值"
        "。分阶段的配方只画最后一个阶段。"
    ),
    "fig_held_out": "留出图像上的准确率（%）",
    "fig_images": "{name}（{n}）",
    "train_images": "训练图像",
    "validation_images": "留出",
    "same": "没有再次训练，因为对 {baseline} 没有任何改动：{recipes}。",
    "adjusted": "“配方+方法”是训练后由 ppcls-lt adjust 调整过的该配方的模型，其对留出图像的预测经交叉验证得出。",
    "unadjusted": "未调整：{candidate}。{reason}",
    "semicolon": "；",
    "comma": "、",
    "colon": "：",
    "between": "",
    "caution": "注意：{text}",
    "caution_missing": "还有 {n} 次训练没有完成，它们可能改变排名。",
    "caution_failures": "{n} 次训练失败，列在下面。",
    "caution_versions": "各次训练的软件版本不同，差别可能来自版本：{versions}。",
    "table": "全部配方",
    "rank": "名次",
    "recipe": "配方",
    "recipe_baseline": "{recipe}（基线）",
    "seeds": "种子数",
    "work_head": "训练量 / {baseline}",
    "rank_short": "#",
    "gain_short": "提升",
    "work_short": "训练量",
    "classes_joined": "相邻的类别合并成一格，每格至多 {size} 个类别，不跨组。",
    "epochs": "验证结果随训练轮次的变化",
    "replaced_by": "{entry}，用于 {recipes}",
    "replaced": "各配方在原配置中替换的内容",
    "place": "条目",
    "in_base": "原配置",
    "in_recipe": "使用配方后",
    "failures": "失败的训练",
    "run_of": "{recipe}，种子 {seed}",
    "runs_of": "种子 {seeds}",
    "missing": "还没有完成的训练",
    "tuned": "{name} 是采用第 {trial} 次试验（共 {n} 次）取值的 {recipe}：{values}。",
    "tuned_value": "{entry} {new}（原为 {old}）",
    "tuned_chosen": (
        "在用于选择取值的图像上：{measure}比 {recipe} 高 {points} 个百分点，{low} 至 {high}。"
        "这是 {n} 次试验中最好的一次，因此偏于乐观。"
    ),
    "tuned_fresh": (
        "在未参与选择的折上（种子 {seeds}）：比 {recipe} 高 {points} 个百分点，90 % 置信区间为 {low} 至 {high}。"
    ),
    "tuned_not_fresh": "没有未参与选择的图像可用来评判它。",
    "tuned_fresh_failed": "在未参与选择的折上（种子 {seeds}）没有评判：有训练失败；同一条命令会再试。",
    "tuned_fresh_lacks": "这些折没有留出以下类别的图像，因此这一提升不包括它们：{classes}。",
    "tuned_tested": "在测试图像上：比 {recipe} 高 {points} 个百分点。",
    "tuned_none": "{recipe}：{n} 次试验都没有超过它原来的取值。",
    "tuning": "调参",
    "caution_tuned": (
        "{recipe} 是在评判它的这些图像上 {n} 次试验中最好的一次，因此它的得分、区间和概率都偏于乐观。"
        "它在别处的提升见“调参”。"
    ),
    "budget": "预算之内",
    "budget_round": "第 {n} 轮筛选：{recipes} 个配方，训练 {epochs} 轮，随机种子 {seeds}。",
    "budget_dropped": "第 {n} 轮筛选后淘汰：{evidence}",
    "dropped_apart": ("{recipe}，名次 {place} / {number}：{measure}为 {score} %，{chosen} 为 {best} %，差距超出偶然。"),
    "dropped_equal": (
        "{recipe}，名次 {place} / {number}：{measure}为 {score} %，{chosen} 为 {best} %。无法与之区分，但预算已不够"
        "继续训练它。"
    ),
    "dropped_failed": "{recipe}，其训练失败。",
    "data": "数据",
    "list": "图像",
    "training_list": "训练",
    "validation_list": "验证",
    "test_list": "测试",
    "path": "列表",
    "number": "图像数",
    "group": "分组",
    "class_number": "类别数",
    "validation_fewest": "最少的一类",
    "classes_all": "共 {n} 个类别。",
    "groups_thresholds": (
        "分组：图像多于 {many} 张的是头部（many），少于 {few} 张的是尾部（few），其余是中部（medium）。"
    ),
    "groups_tertiles": "分组：图像最多的三分之一类别、中间的类别、最少的三分之一类别。",
    "trained_by": "训练所用版本：{versions}。",
    "command": "命令",
    "files": "文件",
    "files_about": "同样的数据保存在 {names} 中，图片保存在 {folder} 中。",
    "files_tables": "同样的数据保存在 {names} 中。",
    "made_by": "由 ppcls-lt {version} 生成。本页不从别处加载任何内容。",
    "fig_gain": "{measure}相对 {baseline} 的提升（百分点）",
    "fig_difference": "与 {baseline} 之差（百分点）",
    "fig_sorted": "类别，图像从多到少",
    "fig_rank": "类别的名次，图像从多到少",
    "fig_epoch": "轮次",
    "fig_validation": "{measure}（%）",
    "fig_group": "{group}（{n} 类）",
}
