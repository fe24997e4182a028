"""All exercises: the solution passes, each wrong answer fails with the hint meant for it, the start fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glassgrad.engine.lab.check import STILL_OPEN, check
from glassgrad.engine.lab.exercise_file import exercises, parts

EXERCISES = {exercise.name: exercise for exercise in exercises()}
WRONG = [
    pytest.param(exercise, one, id=f"{exercise.name}-{i}")
    for exercise in exercises()
    for i, one in enumerate(exercise.misconceptions, 1)
]


def failed(exercise, code):
    checked = check(exercise, code)
    assert checked.results, checked.problem
    return [result for result in checked.results if not result.passed]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_solution_passes(exercise):
    assert failed(exercise, exercise.solution) == []
    assert failed(exercise, exercise.begin().replace(exercise.start, exercise.solution)) == []  # with other numbers


MENDED = ("fork", "planted_bug", "lost_gradient", "numbers_and_values", "your_own_engine")
"""Exercises that begin with a class or function that is there, and lacks something."""


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_test_passes_at_the_start_and_each_says_what_is_left_to_do(exercise):
    messages = [result.message for result in failed(exercise, exercise.begin())]
    assert len(messages) == len(check(exercise, exercise.solution).results)
    to_write = ("still empty: write it", "is still the ... of the start", STILL_OPEN, "write __call__")
    for message in messages:
        assert not re.match(r"\w*Error\b", message), message
        assert exercise.name in MENDED or any(words in message for words in to_write), message


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("slope_of_a_product", "a = 3 and b = −4, so y = {}", 3 * -4),
        ("slope_of_a_product", "With a = 3.001 the product is {}.", 3.001 * -4),
        ("chain_by_hand", "at x = 1. So u = {}", 2 * 1 + 1),
        ("chain_by_hand", "and y = {}", 3 * 3),
        ("local_and_total", "so e = {}", 3 * -2),
        ("local_and_total", "so d = {}", -6 + 10),
        ("local_and_total", "so L = {}", 4 * 0.5),
        ("learning_rate", "E = 2·w² has the slope {}·w", 2 * 2),
    ],
)
def test_the_numbers_of_a_statement_are_right(name, text, number):
    exercise = EXERCISES[name]
    assert text.format(f"{number:g}".replace("-", "−")) in "\n".join([exercise.statement, *exercise.hints])


def test_ten_groups_in_order_numbered_without_a_gap():
    every = list(EXERCISES.values())
    assert [exercise.number for exercise in every] == list(range(1, len(every) + 1))
    assert sorted({exercise.group for exercise in every}) == list(range(1, 11))
    assert [exercise.group for exercise in every] == sorted(exercise.group for exercise in every)
    assert len({(exercise.group, exercise.topic) for exercise in every}) == 10


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_its_texts_fit_a_terminal_and_hints_do_not_give_the_answer(exercise):
    assert all(len(line) <= 79 for line in exercise.begin().split("\n"))
    answer = [line.strip() for line in exercise.solution.split("\n") if line.strip() not in exercise.start]
    assert not any(line in hint for line in answer for hint in exercise.hints if len(line) > 12)


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_a_wrong_answer_fails_with_the_hint_meant_for_it(exercise, wrong):
    messages = [result.message for result in failed(exercise, wrong.code)]
    assert any(wrong.says in message for message in messages), messages
    others = [one.says for one in exercise.misconceptions if one.says != wrong.says]
    assert not any(says in messages[0] for says in others), messages[0]  # what is read first is no other's hint


RIGHT = [
    pytest.param(name, code, id=f"{name}-{i}")
    for name, body in parts(Path(__file__).with_name("right_answers.md").read_text(encoding="utf-8"), 2)
    for i, code in enumerate(re.findall(r"```python\n(.*?)```", body, re.DOTALL), 1)
]


def test_there_are_two_more_right_answers_to_each():
    assert [param.values[0] for param in RIGHT] == [name for name in EXERCISES for _ in "12"]


@pytest.mark.parametrize(("name", "code"), RIGHT)
def test_what_is_right_in_another_way_passes(name, code):
    assert failed(EXERCISES[name], code) == []
