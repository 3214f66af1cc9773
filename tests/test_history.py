"""The history of a run's evaluations: order, repetitions, interruptions."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.runs import history


def record(epoch, score=0.5, ema=False, **more):
    nothing = {"values": {}, "loss": {}, "per_class": {}, "best_metric": None}
    return {"epoch": epoch, "ema": ema, "score": score, **nothing, **more}


def written(path, *records, resume=True):
    kept = history.History(path, resume=resume)
    for one in records:
        kept.append(one)
    return history.read(path)


def test_what_is_not_a_number_becomes_none(tmp_path):
    values = {"few": math.nan, "many": 0.25}
    (found,) = written(tmp_path / "new" / "h.jsonl", record(1, -math.inf, values=values, recall=[1.0, math.nan]))
    assert found == record(1, None, values={"few": None, "many": 0.25}, recall=[1.0, None])


def test_a_resumed_run_replaces_what_came_after_its_start(tmp_path):
    path = tmp_path / "h.jsonl"
    old = written(path, *(record(epoch, 0.1) for epoch in (1, 2, 3, 4)))
    assert written(path, record(3, 0.9)) == [*old[:2], record(3, 0.9)]


def test_a_new_run_forgets_the_old_one(tmp_path):
    path = tmp_path / "h.jsonl"
    written(path, record(1), record(2), resume=False)
    assert written(path, record(2, 0.7), resume=False) == [record(2, 0.7)]


def test_both_weights_of_an_epoch_have_their_place(tmp_path):
    records = [record(e, ema=ema) for e in (1, 2) for ema in (False, True)]
    assert written(tmp_path / "h.jsonl", *records) == records


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=12))
def test_the_last_of_each_evaluation_stays_in_order(tmp_path_factory, places):
    path = tmp_path_factory.mktemp("history") / "h.jsonl"
    records = [record(epoch, float(i), ema) for i, (epoch, ema) in enumerate(places)]
    last = {(one["epoch"], one["ema"]): one for one in records}
    assert written(path, *records) == [last[place] for place in sorted(last)]


def test_a_line_cut_short_is_left_out_and_then_gone(tmp_path):
    path = tmp_path / "h.jsonl"
    first, second = written(path, record(1), record(2))
    path.write_text(json.dumps(first) + "\n" + json.dumps(second)[:20])
    assert history.read(path) == [first]
    assert written(path, record(2, 0.6), record(3)) == [first, record(2, 0.6), record(3)]
    assert path.read_text().count("\n") == 3 and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("line", ["{", "[1]", '{"epoch": 1}', "7"])
def test_a_line_that_is_no_record(line, tmp_path):
    path = tmp_path / "h.jsonl"
    path.write_text(line + "\n" + json.dumps(record(2)) + "\n")
    with pytest.raises(ConfigError, match="line 1 must be the record of an evaluation"):
        history.read(path)


def test_no_file_is_no_record(tmp_path):
    assert history.read(tmp_path / "h.jsonl") == []


def test_the_best_so_far():
    records = [record(1, 0.3), record(2, None), record(3, 0.5), record(4, 0.5), record(5, 0.6)]
    assert history.best(records)["epoch"] == 5
    assert history.best(records, before=5)["epoch"] == 3
    assert history.best(records, before=1) is None and history.best([]) is None
