"""Successive halving: what is trained how long within a budget, over drawn costs, budgets and outcomes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.maths.halving import Halving, Round, Rung, ladder, makespan


@st.composite
def problems(draw):
    """``(Halving, rungs, costs)`` of drawn sizes, costs in whole epochs."""
    epochs = draw(st.integers(1, 40))
    rungs = ladder(epochs, draw(st.integers(1, 4)), {math.ceil(epochs / k) for k in (2, 4)})
    names = ["base", *(f"r{i}" for i in range(draw(st.integers(1, 8))))]
    factors = {name: draw(st.integers(1, 3)) for name in names}
    costs = {name: [factor * rung.epochs for rung in rungs] for name, factor in factors.items()}
    return Halving(rungs, costs), rungs, costs


def played(draw, halving, costs, budget):
    """The rounds of a budget where each leaves a drawn order and drawn equals: ``(round, order, equals, left)``."""
    found, done, spent = [], None, 0
    following, order, equals = halving.first(budget), list(costs), set(costs)
    while following is not None:
        spent += halving.cost(following.kept, done, following.rung)
        found.append((following, order, equals, budget - spent))
        done = following.rung
        order = draw(st.permutations(following.kept))
        equals = {order[0], *draw(st.sets(st.sampled_from(order)))}
        following = halving.then(order, equals, done, budget - spent)
    return found


@given(st.data())
def test_no_budget_is_exceeded_and_the_base_and_one_more_are_trained_in_full(data):
    halving, rungs, costs = data.draw(problems())
    budget = halving.least() + data.draw(st.integers(0, 400))
    rounds = played(data.draw, halving, costs, budget)
    assert all(left >= 0 for *_, left in rounds)
    assert all(one.kept[0] == "base" and len(one.kept) >= 2 for one, *_ in rounds)
    assert rungs[rounds[-1][0].rung].epochs == rungs[-1].epochs
    assert set(rounds[0][0].kept) == set(costs)  # nothing is dropped unseen
    for (before, *_), (after, *_) in zip(rounds, rounds[1:]):
        assert after.rung > before.rung and set(after.kept) <= set(before.kept)


@given(st.data())
def test_what_fits_to_the_end_is_not_dropped(data):
    halving, _, costs = data.draw(problems())
    whole = halving.cost(list(costs), None, halving.last)
    assert halving.first(whole) == Round(halving.last, tuple(costs))
    budget = data.draw(st.integers(0, 400)) + halving.least()
    done = left = None
    for one, order, _, after in played(data.draw, halving, costs, budget):
        if done is not None and halving.cost(order, done, halving.last) <= left:
            assert set(one.kept) == set(order) and one.rung == halving.last
        done, left = one.rung, after


@given(st.data())
def test_equals_are_dropped_last_and_only_if_the_budget_demands_it(data):
    halving, _, costs = data.draw(problems())
    budget = data.draw(st.integers(0, 400)) + halving.least()
    before = None
    for one, order, equals, left in played(data.draw, halving, costs, budget):
        lost = [name for name in order if name in equals and name not in one.kept]
        if lost:
            assert not [name for name in one.kept[2:] if name not in equals]
            kept = [name for name in order if name in equals and name in one.kept and name != "base"]
            assert order.index(lost[0]) > max((order.index(name) for name in kept), default=-1)
            # With the next of them the rest of the halving would cost more than there is.
            assert halving.cost([*one.kept, lost[0]], before[0], halving.last) > before[1]
        before = one.rung, left


@given(st.data())
def test_more_than_the_least_is_enough_and_less_is_not(data):
    halving, *_ = data.draw(problems())
    assert halving.first(halving.least()) is not None
    assert halving.first(halving.least() - 1) is None


def test_a_budget_of_half_of_everything():
    """Twelve recipes, three seeds: one whole training of each, then all seeds of three."""
    rungs = ladder(8, 3, {1, 2, 4})
    assert rungs == [Rung(1, 1), Rung(2, 1), Rung(4, 1), Rung(8, 1), Rung(8, 2), Rung(8, 3)]
    halving = Halving(rungs, {f"r{i}": [rung.epochs for rung in rungs] for i in range(12)})
    rounds = halving.outlook(12 * 8 * 3 // 2)
    assert [(rungs[one.rung], len(one.kept)) for one in rounds] == [
        (Rung(8, 1), 12),
        (Rung(8, 3), 3),
    ]
    # Of a quarter there is no room for that.
    assert [(rungs[one.rung], len(one.kept)) for one in halving.outlook(12 * 8 * 3 // 4)] == [
        (Rung(2, 1), 12),
        (Rung(8, 3), 2),
    ]


def test_what_is_told_apart_leaves_its_budget_to_the_others():
    rungs = ladder(8, 3, {4})
    halving = Halving(rungs, {f"r{i}": [rung.epochs for rung in rungs] for i in range(12)})
    order = [f"r{i}" for i in range(11, -1, -1)]
    assert halving.then(order, order[:3], 0, 96) == Round(3, ("r0", "r11", "r10", "r9"))


@pytest.mark.parametrize("slots, expected", [(1, 12), (2, 6), (3, 5), (9, 5)])
def test_work_side_by_side(slots, expected):
    assert makespan([1, 5, 4, 2], slots) == expected
