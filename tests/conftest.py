"""Fixtures that several test modules share."""

import collections
import logging
import os
import sys

import pytest
from hypothesis import settings

import ppcls_lt

# The same examples on every run, however slow the machine is.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

# What these try is NumPy and files alone, so that another Paddle says nothing new: scripts/test_paddle26.sh leaves them
# out (the mark `without_paddle`). test_layers.py holds that importing them loads neither Paddle nor PaddleClas.
WITHOUT_PADDLE = (
    *("test_atomic", "test_charts", "test_checkpoints", "test_choice", "test_comparison_page", "test_comparison_pool"),
    *("test_comparison_results", "test_comparison_tables", "test_counts", "test_data_tools", "test_demo_data"),
    *("test_folds", "test_halving", "test_history", "test_malformed_folders", "test_overrides", "test_replaced"),
    *("test_page_texts", "test_report_browser", "test_report_folders", "test_resampling", "test_results_page"),
    *("test_chinese_pages", "test_site", "test_container", "test_yaml_files"),
)
# These load Paddle, but try commands, settings, messages, files and pages (the mark `one_paddle`): what they need of
# Paddle, that it trains, evaluates, saves, loads and goes on, in one process and in several, others try with each. In
# those others single tests have the mark.
ONE_PADDLE = (
    *("test_adjust", "test_announcements", "test_audit", "test_benchmark", "test_benchmark_configs", "test_budget"),
    *("test_checklist", "test_comparison_messages"),
    *(
        "test_cli",
        "test_compare",
        "test_comparison_end",
        "test_comparison_mistakes",
        "test_comparison_settings",
        "test_comparison_versions",
        "test_data_checks",
        "test_data_commands",
        "test_deciding",
        "test_disk",
    ),
    *(
        "test_evaluated",
        "test_executor_options",
        "test_executors",
        "test_finetuning_scripts",
        "test_forks",
        "test_label_kinds",
    ),
    *(
        "test_label_lists",
        "test_layers",
        "test_lists",
        "test_lock",
        "test_malformed_configs",
        "test_methods_page",
        "test_mistakes",
    ),
    *(
        "test_named_data",
        "test_nodes",
        "test_notebook",
        "test_operators",
        "test_paddlex",
        "test_places",
        "test_plugins",
        "test_processes",
        "test_python",
        "test_recipes",
    ),
    *(
        "test_recording",
        "test_refit",
        "test_regret",
        "test_service_page",
        "test_relabelling",
        "test_reliability_page",
        "test_renewed",
    ),
    *("test_report", "test_resuming", "test_schema", "test_start", "test_synchronisation", "test_text_is_not_run"),
    *("test_training_mistakes", "test_tuning", "test_unreadable", "test_values", "test_weights"),
)


def pytest_collection_modifyitems(items):
    """Mark the modules above; modules with the most slow tests come first, so that no process ends with a long one."""
    slow = collections.Counter(item.module.__name__ for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.module.__name__])
    for item in items:
        name = item.module.__name__.rpartition(".")[2]
        if name in WITHOUT_PADDLE:
            item.add_marker("without_paddle")
        if name in ONE_PADDLE:
            item.add_marker("one_paddle")


@pytest.fixture(autouse=True, scope="module")
def no_log_of_a_folder_that_is_gone():
    """PaddleClas's logger keeps a file of the last Engine, which Python opens again once something has closed it."""
    yield
    logger = logging.getLogger("ppcls")
    for handler in list(logger.handlers):
        if not os.path.exists(getattr(handler, "baseFilename", __file__)):
            logger.removeHandler(handler)
            handler.close()


@pytest.fixture
def caplog(caplog):
    """Pytest's own, which before pytest 9 hears the root logger alone: PaddleClas's passes nothing on to it."""
    logger = logging.getLogger("ppcls")
    if logger.propagate or caplog.handler in logger.handlers:
        yield caplog
        return
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of long-tailed digits and their lists."""
    from . import engines

    return engines.write_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def base(digits, tmp_path):
    """Write the base configuration of a comparison, changed or not; returns its path."""
    from . import engines

    return engines.base_writer(digits, tmp_path)


@pytest.fixture(scope="session")
def ppcls():
    """PaddleClas as ``ppcls_lt.host`` shows it, with this package registered in it."""
    ppcls_lt.register()
    from ppcls_lt import host

    return host


class Without:
    """A finder before all others, to which a package is not installed."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, *_):
        if name.split(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=self.package)


def hide(package, monkeypatch):
    """Make a package seem not to be installed."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(package), *sys.meta_path])


@pytest.fixture(params=["Jinja2", "Matplotlib"])
def missing(request, monkeypatch):
    """The name of a package that pages need and that is as if it were not installed."""
    hide(request.param.lower(), monkeypatch)
    return request.param


@pytest.fixture
def no_pages(monkeypatch):
    """As if the extra ``report`` were not installed."""
    for package in ("jinja2", "matplotlib"):
        hide(package, monkeypatch)
