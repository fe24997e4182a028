"""`gg.lab.exercise`: an exercise solved in the cells of a notebook."""

import pytest

import glassgrad as gg
from glassgrad.engine.lab.exercise_file import exercises
from glassgrad.engine.lab.notebook import HOW

EVERY = {one.name: one for one in exercises()}


def in_notebook(*cells):
    """What `check` says in a notebook in which these cells were run before."""
    names = {"gg": gg, "In": ["", *cells, "report = gg.lab.exercise('fork').check()"]}
    exec(names["In"][-1], names)
    return names["report"]


@pytest.mark.parametrize("name", EVERY)
def test_every_exercise_can_be_solved_in_a_cell(name):
    sheet = gg.lab.exercise(EVERY[name].number)
    assert sheet is gg.lab.exercise(name)
    assert sheet.check(EVERY[name].solution).ok
    assert not sheet.check(sheet.start)


def test_the_last_cell_that_defines_what_is_asked_for_is_checked():
    wrong, right = EVERY["fork"].start, EVERY["fork"].solution
    assert in_notebook(wrong, "1 +", right, "x = 3", "!pip list").ok
    report = in_notebook(right, wrong)
    assert not report
    assert "✗ addition\n    a.grad of a + a is 1, and should be 2." in repr(report)
    assert repr(report).endswith("0 of 4 tests passed")
    assert repr(in_notebook(right)).endswith("solved: 4 tests passed")


def test_what_is_missing_is_said():
    with pytest.raises(ValueError, match=r"no cell of this notebook that was run defines Value: run a cell that does"):
        in_notebook("x = 3")
    with pytest.raises(ValueError, match=r"there is no notebook here that defines Value"):
        gg.lab.exercise("fork").check()
    with pytest.raises(TypeError, match=r"check takes the code as text, or nothing in a notebook, got int 3"):
        gg.lab.exercise("fork").check(3)
    with pytest.raises(ValueError, match=r"there is no exercise 'frok', did you mean fork\?"):
        gg.lab.exercise("frok")
    with pytest.raises(TypeError, match=r"exercise takes a number or a name, such as exercise\(7\), got bool True"):
        gg.lab.exercise(True)
    assert "Python cannot read" in repr(gg.lab.exercise("fork").check("def f(:"))


def test_hints_come_one_by_one():
    sheet = gg.lab.exercise("slope_of_a_product")
    hints = [sheet.hint() for _ in range(4)]
    assert hints[2] == hints[3]
    assert hints[:3] == [f"Hint {i} of 3: {hint}" for i, hint in enumerate(EVERY["slope_of_a_product"].hints, 1)]
    assert sheet.hint(2) == hints[1] == repr(hints[1])
    with pytest.raises(ValueError, match="the hints go from 1 to 3, the strongest; got int 4"):
        sheet.hint(4)


def test_what_several_tests_say_is_said_once_and_what_is_printed_only_where_one_fails():
    said = repr(gg.lab.exercise("fork").check("x = 1"))
    assert said.count("your code does not define Value") == 1
    assert "printed:" not in repr(gg.lab.exercise("fork").check(EVERY["fork"].solution))


def test_what_is_interrupted_is_said_to_be_running():
    report = gg.lab.exercise("fork").check("raise KeyboardInterrupt")  # as the kernel does
    assert repr(report) == "It was stopped while it was still running: is there a loop without end?"


def test_a_notebook_shows_statement_start_and_what_to_do():
    one = EVERY["fork"]
    sheet = gg.lab.exercise("fork")
    for text in (sheet._repr_markdown_(), repr(sheet)):
        assert one.statement in text
        assert one.start.rstrip() in text
        assert text.endswith(HOW.format(n=one.number))


def test_a_dataclass_may_be_part_of_the_answer():
    start = "from dataclasses import dataclass\n\n@dataclass\nclass P:\n    x: float = -4\n\n"
    assert gg.lab.exercise(1).check(f"{start}slope_a, slope_b = P().x, 3").ok
