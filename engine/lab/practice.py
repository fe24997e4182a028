"""What a learner has done: the files of the exercises in a folder of theirs, checked, and what was passed."""

from __future__ import annotations

import hashlib
import json
from errno import EINVAL
from pathlib import Path
from typing import Final

from ..writing import write_file
from .check import Checked, checked
from .exercise_file import Exercise, exercises
from .sandbox import Ended, RemoteError, Student
from .sandbox_child import LONGEST

PROGRESS: Final = "glassgrad-progress.json"
"""For each exercise that was passed, a digest of the file that passed: a file changed since is open again."""
SECONDS: Final = 10.0


class Practice:
    """The exercises in one folder.

    Args:
        folder: made when the first file is written.
        seconds: that a check may take.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder = folder
        self.seconds = seconds

    def path(self, exercise: Exercise) -> Path:
        """The learner's file."""
        return self.folder / exercise.file

    def begin(self, exercise: Exercise) -> bool:
        """Write the file, unless it is there; whether it was written.

        Raises:
            OSError: if it cannot be written.
        """
        path = self.path(exercise)
        if path.exists():
            return False
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is a file, and the exercises need a folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(path, exercise.begin())
        return True

    def state(self, exercise: Exercise) -> str:
        """`"done"` if the file passed as it is, `"begun"` if there is one, or `""`."""
        try:
            digest = _digest(_content(self.path(exercise)))
        except OSError:
            return ""
        return "done" if self._passed().get(exercise.name) == digest else "begun"

    def next_after(self, exercise: Exercise | None) -> Exercise | None:
        """The first exercise after this one that is not done, or else the first of all; None if all are done."""
        every = exercises()
        start = exercise.number if exercise else 0
        return next((one for one in [*every[start:], *every[:start]] if self.state(one) != "done"), None)

    def check(self, exercise: Exercise) -> Checked:
        """Run the tests on the learner's file, in a process of its own, and remember whether it passed.

        Raises:
            OSError: if the file cannot be read, or what was passed cannot be written.
        """
        path = self.path(exercise)
        content = _content(path)
        try:
            source = content.decode("utf-8-sig")  # some editors begin a file with a mark; Python passes over it
        except UnicodeDecodeError as error:
            return Checked((), f"{path.name} is not written in UTF-8: byte {error.start} is no part of a character")
        if len(source) > LONGEST:
            return Checked((), f"{path.name} has {len(source):,} characters: an answer has {LONGEST:,} at most")
        found = self._checked(exercise, path, source)
        if found.ok:
            passed = {**self._passed(), exercise.name: _digest(content)}
            write_file(self.folder / PROGRESS, json.dumps(passed, indent=1) + "\n")
        return found

    def _checked(self, exercise: Exercise, path: Path, source: str) -> Checked:
        try:
            with Student(path, seconds=self.seconds) as student:
                there = student.ask("import", f"{__package__}.check")
                return checked(there.run(exercise.tests, source, path.name))
        except Ended as end:
            loop = ": is there a loop without end?" if end.how == "timed out" else ""
            return Checked((), f"{end}{loop}")
        except RemoteError as error:
            return Checked((), error.told())

    def _passed(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / PROGRESS).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # none yet, or spoiled: what was passed can be checked again
            return {}
        return found if isinstance(found, dict) else {}


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # to open a pipe would wait for its other end
        raise OSError(EINVAL, "not a regular file", str(path))
    return path.read_bytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
