"""A file is there whole or not at all, whatever happens: full disks, killed processes, links, threads."""

import errno
import os
import random
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from glassgrad.engine import writing
from glassgrad.engine.writing import check_writable, replacing, write_file


def names(folder):
    return sorted(found.name for found in folder.iterdir())


@pytest.mark.parametrize("content", ["häkchen ✓\n", b"\0\xff", "", "x" * 2_000_000])
def test_what_is_written_is_read(tmp_path, content):
    path = tmp_path / "a.txt"
    for _ in range(2):
        write_file(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["a.txt"]


def write_half(path, fail=lambda: None):
    with replacing(path) as part:
        part.write_text("new, but only ha")
        fail()


FAILURES = [
    (errno.ENOSPC, "the disk is full, and nothing was changed"),
    (errno.EDQUOT, "your share of the disk is used up"),
    (errno.EROFS, "the disk is read-only"),
    (errno.EIO, "input/output error"),
]


@pytest.mark.parametrize(("number", "reason"), FAILURES)
@pytest.mark.parametrize("place", ["fsync", "replace", "body"])
def test_when_writing_fails_the_old_file_is_as_it_was(tmp_path, monkeypatch, number, reason, place):
    path = tmp_path / "a.svg"
    path.write_text("old")

    def fails(*given):
        raise OSError(number, os.strerror(number))

    if place == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
    elif place == "replace":
        monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match=reason) as caught:
        write_half(path, *[fails] * (place == "body"))
    assert str(caught.value).startswith(f"cannot write {path}: ")
    assert "[Errno" not in str(caught.value)
    assert caught.value.errno == number
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.svg"]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), OSError("mine"), OSError(2, "no", "font")])
def test_an_error_of_the_block_is_passed_on_as_it_is(tmp_path, error):
    def fails():
        raise error

    with pytest.raises(type(error)) as caught:
        write_half(tmp_path / "a", fails)
    assert caught.value is error
    assert names(tmp_path) == []


NOT_WRITABLE = [
    ("n" * 300, OSError, "its name is too long"),
    ("folder", IsADirectoryError, "it is a folder"),
    ("missing/a.txt", FileNotFoundError, "there is no folder .*missing"),
    ("file/a.txt", NotADirectoryError, "file is no folder"),
    ("missing/../a.txt", FileNotFoundError, "there is no folder .*missing"),
    ("dangling", FileNotFoundError, "there is no folder .*nowhere"),
    ("round", OSError, "a symbolic link that leads round in a circle"),
    ("a\0b", OSError, "no file can have such a name"),
    ("a\ud800", OSError, "no file can have such a name"),
]


@pytest.mark.parametrize(("name", "kind", "message"), NOT_WRITABLE)
@pytest.mark.parametrize("write", [check_writable, lambda path: write_file(path, "new")], ids=["check", "write"])
def test_what_cannot_be_written_is_said_in_one_sentence(tmp_path, write, name, kind, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "dangling").symlink_to(Path("nowhere", "a.txt"))
    with pytest.raises(kind, match=rf"^cannot write [^\n]*{message}[^\n]*$"):
        write(tmp_path / name)
    assert names(tmp_path) == ["dangling", "file", "folder", "round"]
    assert (tmp_path / "file").read_text() == "old"


def test_where_there_is_no_permission(tmp_path, monkeypatch):
    """As any user but root sees it."""
    (tmp_path / "kept").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"cannot write .*kept: no permission$"):
        write_file(tmp_path / "kept", "new")
    assert (tmp_path / "kept").read_text() == "old"

    def forbidden(path, **given):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "touch", forbidden)
    with pytest.raises(PermissionError, match="no permission to make files in the folder"):
        check_writable(tmp_path / "new")


def test_checking_changes_nothing(tmp_path):
    path = tmp_path / "a.txt"
    check_writable(path)
    assert names(tmp_path) == []
    path.write_text("old")
    before = path.stat()
    check_writable(path)
    assert path.stat() == before


def test_a_name_as_long_as_names_may_be(tmp_path):
    name = "n" * 251 + ".svg"
    write_file(tmp_path / name, "x")
    write_file(tmp_path / ("a." + "s" * 250), "x")
    assert len(names(tmp_path)) == 2


def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.txt"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(Path("real", "a.txt"))
    write_file(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    dangling = tmp_path / "later.txt"
    dangling.symlink_to(Path("real", "later.txt"))
    write_file(dangling, "new")
    assert dangling.is_symlink() and names(tmp_path / "real") == ["a.txt", "later.txt"]


def test_a_new_file_has_the_permissions_that_open_gives(tmp_path):
    write_file(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    write_file("/dev/null", "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    check_writable("/dev/null")
    done = subprocess.run(
        [sys.executable, "-c", "from glassgrad.engine.writing import write_file; write_file('/dev/stdout', 'shown')"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "shown"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    write_file(pipe, "through")
    reader.join()
    assert found == ["through"] and pipe.is_fifo()


def test_many_threads_write_one_file(tmp_path):
    path = tmp_path / "a.txt"
    texts = [str(i) * 100_000 for i in range(8)]
    threads = [threading.Thread(target=write_file, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert names(tmp_path) == ["a.txt"]


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as part:
        begin = part.name.rsplit("-", 2)[0]
        mine = part.name.replace(str(os.getpid()), str(dead_process()))
        for name in (
            mine,
            f"{begin}-1-0.part.txt",
            f"{begin}-x-0.part",
            f".glassgrad-00000000-{dead_process()}-0.part",
        ):
            (tmp_path / name).touch()
        write_file(path, "another thread's")  # does not take away the one that is being written
        part.write_text("whole")
    left = names(tmp_path)
    assert path.read_text() == "whole"
    assert mine not in left and len(left) == 4


def test_on_windows_what_is_a_day_old_is_dead(tmp_path, monkeypatch):
    part = tmp_path / "part"
    part.touch()
    monkeypatch.setattr(writing.os, "name", "nt")
    assert writing._lives(1, part)
    os.utime(part, (time.time() - 90_000,) * 2)
    assert not writing._lives(1, part)


LOOP = """
import sys
from glassgrad.engine.writing import write_file
print("ready", flush=True)
for i in range(10**9):
    write_file(sys.argv[1], str(i % 10) * 3_000_000)
"""


def test_a_killed_process_leaves_the_old_file_or_the_new(tmp_path):
    path, draw = tmp_path / "a.txt", random.Random(1)
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", LOOP, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(draw.uniform(0.0, 0.1))
        process.kill()
        process.wait()
        process.stdout.close()
        if path.exists():
            text = path.read_text()
            assert len(text) == 3_000_000 and len(set(text)) == 1
    write_file(path, "whole")
    assert names(tmp_path) == ["a.txt"]
