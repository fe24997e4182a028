"""An exercise: a Markdown file with statement, start, tests, hints, solution and the misconceptions it is there for.

The files lie in `exercises/`. They are data: what they contain is run beside a learner's file, and never imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ..choices import meant

FOLDER: Final = Path(__file__).parent / "exercises"
SECTIONS: Final = ("Statement", "Start", "Tests", "Hints", "Solution", "Misconceptions")


class FormatError(ValueError):
    """A file that is not written as it has to be; the message names the file and the section."""


class Misconception(NamedTuple):
    """A wrong answer that really occurs.

    Attributes:
        sentence: what is believed.
        code: a learner's file that believes it.
        says: what the message of a failing test must contain then.
    """

    sentence: str
    code: str
    says: str


class Exercise(NamedTuple):
    """One exercise.

    Attributes:
        number: its place in the row, from 1.
        name: the name of its file without number and ending, such as `fork`.
        title: what it is called.
        group: the number of its group, from 1, which is that of the lesson.
        topic: what the group is about.
        statement: what is asked, as Markdown.
        start: the file that the learner begins with.
        tests: functions `test_…` that are run beside the learner's file, with the helpers of `helpers.py`.
        hints: three, from the weakest to the strongest.
        solution: a file that passes.
        misconceptions: at least three.
    """

    number: int
    name: str
    title: str
    group: int
    topic: str
    statement: str
    start: str
    tests: str
    hints: tuple[str, ...]
    solution: str
    misconceptions: tuple[Misconception, ...]

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.number:02d}_{self.name}.py"

    def begin(self) -> str:
        """The file as a learner gets it: the statement in comments, then the start."""
        head = [f"{self.number}. {self.title}", "", *self.statement.split("\n"), ""]
        head.append(f"Check it with: glassgrad learn {self.number}")
        return "\n".join(f"# {line}".rstrip() for line in head) + f"\n\n{self.start}"


def parse(text: str, file: str) -> Exercise:
    """The exercise that a Markdown file describes.

    Args:
        text: what is in the file.
        file: its name, such as `07_fork.md`: the number and the name of the exercise.

    Raises:
        FormatError: naming the file and the section in which something is missing.
    """
    named = re.fullmatch(r"(\d\d)_([a-z0-9_]+)\.md", file)
    if not named:
        raise FormatError(f"{file}: the name of an exercise is two digits, _, small letters and .md, as in 07_fork.md")
    head = re.match(r"# (.+)\n\nGroup (\d+): (.+)\n", text)
    if not head:
        raise FormatError(f"{file}: it must begin with '# title', an empty line, and 'Group N: topic'")
    section = sections(text, SECTIONS, file)
    if not section["Statement"]:
        raise FormatError(f"{file}, Statement: it is empty")
    blocks = {name: code(section[name], f"{file}, {name}")[0] for name in ("Start", "Tests", "Solution")}
    return Exercise(
        int(named[1]),
        named[2],
        head[1],
        int(head[2]),
        head[3],
        section["Statement"],
        blocks["Start"],
        blocks["Tests"],
        _hints(section["Hints"], f"{file}, Hints"),
        blocks["Solution"],
        _misconceptions(section["Misconceptions"], f"{file}, Misconceptions"),
    )


def _hints(text: str, where: str) -> tuple[str, ...]:
    found = re.split(r"(?m)^(\d)\. ", text)
    if found[0].strip() or found[1::2] != ["1", "2", "3"]:
        raise FormatError(f"{where}: three hints are needed, a list numbered 1, 2 and 3")
    return tuple(" ".join(hint.split()) for hint in found[2::2])


def _misconceptions(text: str, where: str) -> tuple[Misconception, ...]:
    found = []
    for sentence, body in parts(text, 3):
        if not sentence:
            continue
        block, around = code(body, f"{where}, {sentence}")
        if not around.startswith("> ") or "\n" in around:
            raise FormatError(f"{where}, {sentence}: one line that begins with '> ' says what the test must say")
        found.append(Misconception(sentence, block, around[2:]))
    if len(found) < 3:
        raise FormatError(f"{where}: at least three are needed, each under a heading '### …'; there are {len(found)}")
    return tuple(found)


@cache
def exercises() -> Sequence[Exercise]:
    """All exercises in order.

    >>> exercises()[0].file
    '01_slope_of_a_product.py'
    """
    return [parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(FOLDER.glob("*.md"))]


def find(text: str) -> Exercise:
    """The exercise with that number or name.

    Raises:
        ValueError: if there is none; it says what there is.

    >>> find("1").name, find("fork").number
    ('slope_of_a_product', 10)
    """
    for exercise in exercises():
        if text in (exercise.name, exercise.file) or (text.isdecimal() and int(text) == exercise.number):
            return exercise
    names = [exercise.name for exercise in exercises()]
    numbers = f"they have the numbers 1 to {len(names)}; glassgrad learn lists them"
    raise ValueError(f"there is no exercise {text!r}{meant(text, names)} ({numbers})")


# -- headings and code blocks, of questions, too ----------------------------------------------------------------


def parts(text: str, level: int) -> Iterator[tuple[str, str]]:
    """What stands under each heading of one level; what stands before the first comes first, under "".

    Args:
        text: Markdown; a `#` inside a code block is no heading.
        level: 2 for `## …`.

    >>> list(parts("a\\n## one\\nb\\n### two\\nc", 2))
    [('', 'a'), ('one', 'b\\n### two\\nc')]
    """
    heading, lines, code = "", list[str](), False
    for line in text.split("\n"):
        code ^= line.startswith("```")
        if not code and line.startswith("#" * level + " "):
            yield heading, "\n".join(lines).strip("\n")
            heading, lines = line[level + 1 :].strip(), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines).strip("\n")


def sections(text: str, names: Sequence[str], where: str) -> dict[str, str]:
    """The sections of a file, which are exactly `names`, in this order.

    Raises:
        FormatError: if one is missing, too many, or out of order; `where` is what the message calls the file.
    """
    found = [(heading, body) for heading, body in parts(text, 2) if heading]
    headings = [heading for heading, _ in found]
    for name in names:
        if name not in headings:
            raise FormatError(f"{where}: the section '## {name}' is missing")
    if headings != list(names):
        raise FormatError(f"{where}: its sections are {', '.join(headings)}; they must be {', '.join(names)}")
    return dict(found)


def code(text: str, where: str) -> tuple[str, str]:
    """The one Python block of a section, and the text around it.

    Raises:
        FormatError: if there is none, or more than one.
    """
    before, opening, rest = f"\n{text}\n".partition("\n```python\n")
    block, closing, after = f"\n{rest}".partition("\n```\n")
    if not opening or not closing or "```" in after:
        raise FormatError(f"{where}: one block is needed that begins with ```python and ends with ```")
    return block.lstrip("\n") + "\n", f"{before.strip()}\n{after.strip()}".strip()
