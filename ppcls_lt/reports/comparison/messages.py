"""What ``compare`` says in a terminal while it works, in each language under the same keys; `{}` are filled in.

``WORDS`` has these and the texts of the page, so that one mapping serves all that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..parts.names import LANGUAGES
from .texts import TEXTS

if TYPE_CHECKING:
    import numpy as np

EN = {
    "refused": "{recipe}: cannot run here: {reason}",
    "same_as_base": "{recipe}: changes nothing in the base, and is not trained a second time",
    "replaced_in_base": "replaced in the base: {line}",
    "nowhere_held_out": "not judged, since no seed holds out an image of them: {classes}",
    "fold_holds_out": "seed {seed} holds out {n} of {all} images, and {least} of {size} of the smallest class ({name})",
    "judged_by_one": "caution: all seeds together hold out a single image of {classes}; more --seeds, fewer --folds or "
    "a --val-list hold out more",
    "class_listed": "class {classes}",
    "classes_listed": "{n} classes: {classes}",
    "classes_and_more": ", ...",
    "one_candidate": "{n} candidate",
    "many_candidate": "{n} candidates",
    "one_recipe": "{n} recipe",
    "many_recipe": "{n} recipes",
    "one_seed": "{n} seed",
    "many_seed": "{n} seeds",
    "one_epoch": "{n} epoch",
    "many_epoch": "{n} epochs",
    "one_run": "{n} run",
    "many_run": "{n} runs",
    "one_trial": "{n} trial",
    "many_trial": "{n} trials",
    "one_node": "{n} node",
    "many_node": "{n} nodes",
    "enumerated": ", ",
    "others": "{folder} has runs of {recipes} too, which are left out now; name them in --recipes to compare them",
    "to_do": "{counted}: {finished} runs are finished, {missing} to do, {epochs} epochs",
    "to_do_in": "{to_do}, in {folder}",
    "predicted": "the test images are predicted by {candidates}",
    "test_failed": "test: {reason}",
    "interrupted": "interrupted; the same command goes on with what is missing",
    "advice_refit": "trained on the whole list, tested and exported by one command: `{command}`",
    "written": "comparison: {path} ({size} kB) and {n} files beside it",
    "task_epochs": "{task}, {epochs} epochs",
    "task_test": "test of {candidates}, seed {seed}",
    "task_whole": "{recipe}, whole list",
    "task_export": "export of {recipe}",
    "task_done": "[{done}/{all}] {task}: done in {time}{left}",
    "task_failed": "[{done}/{all}] {task}: FAILED: {reason} (see {log}){left}",
    "task_running": "{task}: {trained}/{epochs}",
    "running": "running, in epochs: {tasks}{left}",
    "left": "; about {time} left",
    "ended_outside": "ended by something outside: killed, cancelled, or its machine failed",
    "ended_by_signal": "killed by signal {number}",
    "ended_for_memory": "killed by signal {number} (SIGKILL), perhaps for memory",
    "ended_with_status": "ended with status {status}",
    "seconds": "{n} s",
    "minutes": "{n} min",
    "hours": "{hours} h {minutes:02d} min",
    "best_none": "no {file}: without a finished run of {baseline} there is nothing to judge by",
    "best_base": "{baseline} is chosen. {said}",
    "best_as_is": "{path}: {title} as it is; train with `{command}`",
    "best_recipe": "{path}: {title} with the recipe {recipe}; train with `{command}`",
    "best_left_out": (" (without the images of {list}, by which the adjustment is chosen; `--refit` trains on all)"),
    "best_epoch": "; it evaluates {list}, which chooses its epoch, and not the test list",
    "best_adjust": ", then adjust with `{command}`",
    "refit_model": "{folder}: the model; {served}: for serving",
    "budget_all": "{counted}: {epochs} epochs in all; the budget is {budget}",
    "budget_slots": "{budget}, {slots} runs at a time",
    "budget_epochs": "{n} epochs",
    "budget_anew": "the folder has the rounds of another budget or of other recipes; they are planned anew",
    "budget_decided": "  round {n}: {recipes} recipes, {rung}, decided",
    "budget_measured_first": (
        "first {epochs} epochs of {baseline} are trained, to measure what one costs; then the rounds are planned"
    ),
    "budget_fits": (
        "everything fits where an epoch, with its part of a run's start and end, takes {every}, and the least, "
        "{epochs} epochs, where it takes {least}"
    ),
    "budget_at_most": "at most {time}",
    "budget_planned": "planned, as long as no recipe can be told apart from the best:",
    "budget_expected": "  round {n}: {recipes} recipes, {rung}: {cost}",
    "budget_together": "  together {cost}; tests and --refit come on top",
    "budget_now": "round {n}: {recipes} recipes, {rung}: {finished} runs are finished, {missing} to do",
    "budget_rung_one": "{epochs} epochs, seed {seeds}",
    "budget_rung": "{epochs} epochs, seeds {seeds}",
    "budget_seeds": "the budget has room for {reached} of {n} seeds",
    "budget_used": "{spent} of {budget} are used",
    "budget_drops": "dropped: {evidence}",
    "tune_plan": "tuned, {trials}, {runs} each: {recipe}",
    "tune_best": "the best of the recipes that can be tuned is {name}: {recipe}",
    "tune_none": "no recipe that was judged can be tuned",
    "tune_any": "the best of the recipes that have ranges",
    "tune_range": "{entry} from {low} to {high}",
    "tune_unfinished": "{recipe} is not tuned: not all of its own runs are finished",
    "slurm_queued": "{n} are in Slurm's queue already, from an earlier command",
    "slurm_goes_on": "what is in Slurm's queue goes on there; `{command}` ends it",
    "slurm_job": "{n} submitted to Slurm as job {job}; `{command}` shows them",
    "slurm_array": "{n} submitted to Slurm as array {job}; `{command}` shows them",
    "ray_cluster": "Ray cluster of {nodes} at {address}",
}

ZH = {
    "refused": "{recipe}：不能在这里训练：{reason}",
    "same_as_base": "{recipe}：对原配置没有任何改动，不再训练一次",
    "replaced_in_base": "原配置中被替换的条目：{line}",
    "nowhere_held_out": "不作评判，因为没有一个种子留出它们的图像：{classes}",
    "fold_holds_out": "种子 {seed} 留出 {all} 张图像中的 {n} 张，其中最小的类别（{name}）留出 {size} 张中的 {least} 张",
    "judged_by_one": "注意：所有种子合起来，只留出一张图像的有{classes}；增加 --seeds、减小 --folds 或使用 --val-list，"
    "会留出更多",
    "class_listed": "类别 {classes}",
    "classes_listed": "{n} 个类别：{classes}",
    "classes_and_more": " 等",
    "one_candidate": "{n} 个候选",
    "many_candidate": "{n} 个候选",
    "one_recipe": "{n} 个配方",
    "many_recipe": "{n} 个配方",
    "one_seed": "{n} 个随机种子",
    "many_seed": "{n} 个随机种子",
    "one_epoch": "{n} 轮",
    "many_epoch": "{n} 轮",
    "one_run": "{n} 次训练",
    "many_run": "{n} 次训练",
    "one_trial": "{n} 次试验",
    "many_trial": "{n} 次试验",
    "one_node": "{n} 个节点",
    "many_node": "{n} 个节点",
    "enumerated": "，",
    "others": "{folder} 中还有 {recipes} 的训练，这次不参与比较；要比较它们，请在 --recipes 中列出",
    "to_do": "{counted}：已完成 {finished} 次训练，还有 {missing} 次、共 {epochs} 轮",
    "to_do_in": "{to_do}，写入 {folder}",
    "predicted": "由 {candidates} 预测测试图像",
    "test_failed": "测试：{reason}",
    "interrupted": "已中断；再次运行同一命令，即从缺少的部分继续",
    "advice_refit": "用一条命令在全部训练列表上训练、测试并导出：`{command}`",
    "written": "比较：{path}（{size} kB），旁边另有 {n} 个文件",
    "task_epochs": "{task}，{epochs} 轮",
    "task_test": "测试 {candidates}，种子 {seed}",
    "task_whole": "{recipe}，全部训练列表",
    "task_export": "导出 {recipe}",
    "task_done": "[{done}/{all}] {task}：完成，用时 {time}{left}",
    "task_failed": "[{done}/{all}] {task}：失败：{reason}（见 {log}）{left}",
    "task_running": "{task}：{trained}/{epochs}",
    "running": "正在训练，以轮计：{tasks}{left}",
    "left": "；大约还需 {time}",
    "ended_outside": "被外部结束：被终止、被取消，或所在机器故障",
    "ended_by_signal": "被信号 {number} 终止",
    "ended_for_memory": "被信号 {number}（SIGKILL）终止，可能是内存不足",
    "ended_with_status": "以状态码 {status} 结束",
    "seconds": "{n} 秒",
    "minutes": "{n} 分钟",
    "hours": "{hours} 小时 {minutes:02d} 分钟",
    "best_none": "没有 {file}：{baseline} 没有完成的训练，无从评判",
    "best_base": "选中的是 {baseline}。{said}",
    "best_as_is": "{path}：原样的 {title}；训练命令为 `{command}`",
    "best_recipe": "{path}：{title} 加上配方 {recipe}；训练命令为 `{command}`",
    "best_left_out": "（不含 {list} 中的图像，调整的强度由它们选择；`--refit` 使用全部图像）",
    "best_epoch": "；它评估的是选择轮次的 {list}，而不是测试列表",
    "best_adjust": "，之后用 `{command}` 调整",
    "refit_model": "{folder}：模型；{served}：用于部署",
    "budget_all": "{counted}：全部训练共 {epochs} 轮；预算为 {budget}",
    "budget_slots": "{budget}，同时进行 {slots} 次训练",
    "budget_epochs": "{n} 轮",
    "budget_anew": "目录中的各轮筛选属于另一个预算或另一些配方，现重新计划",
    "budget_decided": "  第 {n} 轮筛选：{recipes} 个配方，{rung}，已确定",
    "budget_measured_first": "先训练 {baseline} 的 {epochs} 轮，测出一轮的开销，然后计划各轮筛选",
    "budget_fits": (
        "若每轮（分摊一次训练的启动和结束）用时{every}，则全部能完成；至少需要的 {epochs} 轮，则要求每轮用时{least}"
    ),
    "budget_at_most": "至多 {time}",
    "budget_planned": "计划如下，以没有配方能与最好的区分开为前提：",
    "budget_expected": "  第 {n} 轮筛选：{recipes} 个配方，{rung}：{cost}",
    "budget_together": "  合计 {cost}；测试和 --refit 另计",
    "budget_now": "第 {n} 轮筛选：{recipes} 个配方，{rung}：已完成 {finished} 次训练，还有 {missing} 次",
    "budget_rung_one": "{epochs} 轮，种子 {seeds}",
    "budget_rung": "{epochs} 轮，种子 {seeds}",
    "budget_seeds": "预算只够 {n} 个随机种子中的 {reached} 个",
    "budget_used": "预算 {budget}，已用 {spent}",
    "budget_drops": "淘汰：{evidence}",
    "tune_plan": "调参，{trials}，每次 {runs}：{recipe}",
    "tune_best": "可以调参的配方中最好的是 {name}：{recipe}",
    "tune_none": "已评判的配方都没有可调的参数",
    "tune_any": "有取值范围的配方中最好的一个",
    "tune_range": "{entry} 从 {low} 到 {high}",
    "tune_unfinished": "{recipe} 没有调参：它自己的训练还没有全部完成",
    "slurm_queued": "其中 {n} 个已由先前的命令放入 Slurm 的队列",
    "slurm_goes_on": "Slurm 队列中的任务会继续；用 `{command}` 结束它们",
    "slurm_job": "{n} 个任务已作为作业 {job} 提交给 Slurm；用 `{command}` 查看",
    "slurm_array": "{n} 个任务已作为作业数组 {job} 提交给 Slurm；用 `{command}` 查看",
    "ray_cluster": "{address} 处的 Ray 集群，{nodes}",
}

WORDS: dict[str, dict[str, str]] = {language: {**TEXTS[language], **own} for language, own in zip(LANGUAGES, (EN, ZH))}
ENGLISH = WORDS["en"]


def counted(words: Mapping[str, str], number: int, noun: str) -> str:
    """A number with its noun: ``counted(words, 2, "candidate")`` is "2 candidates"."""
    return words[f"one_{noun}" if number == 1 else f"many_{noun}"].format(n=number)


def compared(words: Mapping[str, str], noun: str, number: int, seeds: int, epochs: int) -> str:
    """How much is compared: so many ``candidate`` or ``recipe``, seeds and epochs."""
    numbers = ((noun, number), ("seed", seeds), ("epoch", epochs))
    return words["enumerated"].join(counted(words, n, each) for each, n in numbers)


def listed(words: Mapping[str, str], classes: Sequence[int] | np.ndarray, called: Callable[[int], str]) -> str:
    """Classes, at most ten of them, each as it is ``called``."""
    names = words["comma"].join(map(called, classes[:10])) + (words["classes_and_more"] if len(classes) > 10 else "")
    return words["class_listed" if len(classes) == 1 else "classes_listed"].format(n=len(classes), classes=names)


def duration(seconds: float, words: Mapping[str, str] = ENGLISH) -> str:
    """Seconds in words."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return words["seconds"].format(n=f"{seconds:.0f}")
    if minutes < 90:
        return words["minutes"].format(n=minutes)
    return words["hours"].format(hours=minutes // 60, minutes=minutes % 60)
