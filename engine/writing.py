"""Files that are written whole or not at all: beside their place, then moved into it."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_REASONS = {
    errno.ENOSPC: "the disk is full, and nothing was changed",
    errno.EDQUOT: "your share of the disk is used up, and nothing was changed",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the disk is read-only",
    errno.EISDIR: "it is a folder",
    errno.ELOOP: "it is a symbolic link that leads round in a circle",
}
_numbers = itertools.count()
_writing: set[str] = set()  # the names of the files that this process is writing now


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file, or replace it in one go; a text is written in UTF-8.

    Args:
        path: the file; a symbolic link stays one, and the file that it leads to is replaced.
        content: all of it.

    Raises:
        OSError: one sentence, if it cannot be written; then the old file is as it was.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(Path(folder, "a.txt"), "all of it")
    ...     Path(folder, "a.txt").read_text(), len(os.listdir(folder))
    ('all of it', 1)
    """
    with replacing(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write to in place of `path`, with the same suffix; it becomes `path` where the block ends well.

    What is no ordinary file, such as `/dev/stdout` or a pipe, is written to directly. The permissions of a file
    that is replaced are kept, and what a killed run had half written for the same file is removed.

    Raises:
        OSError: as `write_file`.
    """
    target, part = _begun(path)
    try:
        yield part
        if target is not None:
            _settle(part, target)
            part.replace(target)
    except OSError as error:
        raise _sentence(error, Path(path), part) from None
    finally:
        if target is not None:
            _ended(part)


def check_writable(path: str | Path) -> None:
    """Raise now what `write_file` would raise, for what costs time before there is something to write.

    Raises:
        OSError: one sentence, if no file can be made there.
    """
    target, part = _begun(path)
    if target is not None:
        _ended(part)


def _begun(path: str | Path) -> tuple[Path | None, Path]:
    """The file that is to be replaced, None for a device or pipe, and the empty one to write to."""
    given = Path(path)
    try:
        target = _ordinary(given)
        return target, given if target is None else _new_part(target)
    except OSError as error:
        raise _sentence(error, given) from None
    except ValueError:  # NUL, or half of a surrogate pair
        raise OSError(f"cannot write {str(path)!r}: no file can have such a name") from None


def _ended(part: Path) -> None:
    with suppress(OSError):
        part.unlink(missing_ok=True)
    _writing.discard(part.name)


def _ordinary(path: Path) -> Path | None:
    """The file that `path` leads to, there or not; None for a device or pipe."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        pass
    else:
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "")
        if not stat.S_ISREG(mode) or path.parent in (Path("/dev"), Path("/dev/fd")):
            return None
        if not os.access(path, os.W_OK):  # moving another file there would not ask
            raise PermissionError(errno.EACCES, "")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _new_part(target: Path) -> Path:
    """An empty file beside `target`; its name tells the target and the process, and is never too long."""
    start = f".glassgrad-{zlib.crc32(os.fsencode(target.name)):08x}-"
    for left in target.parent.glob(f"{start}*.part*"):
        with suppress(OSError, ValueError):  # gone meanwhile, or somebody else's name
            if left.name not in _writing and not _lives(int(left.name.split("-")[2]), left):
                left.unlink()
    suffix = target.suffix if len(os.fsencode(target.suffix)) <= 16 else ""
    part = target.with_name(f"{start}{os.getpid()}-{next(_numbers)}.part{suffix}")
    _writing.add(part.name)
    part.touch(exist_ok=False)
    return part


def _lives(process: int, part: Path) -> bool:
    """Whether the process that made `part` may still be at it."""
    if process == os.getpid():
        return False
    if os.name == "nt":  # os.kill would end the process
        return time.time() - part.stat().st_mtime < 24 * 3600
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _settle(part: Path, target: Path) -> None:
    """Wait until `part` is on the disk, and give it the owner and the permissions of the file that it replaces."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    with suppress(FileNotFoundError):
        old = target.stat()
        if hasattr(os, "chown"):
            with suppress(PermissionError):
                os.chown(part, old.st_uid, old.st_gid)
        part.chmod(stat.S_IMODE(old.st_mode))


def _sentence(error: OSError, path: Path, part: Path | None = None) -> OSError:
    """Why `path` could not be written, in one sentence; an error about a file other than `part` stays as it is."""
    if error.strerror is None or (part and error.filename not in (None, str(part))):
        return error
    reason = _REASONS.get(error.errno or 0) or error.strerror.lower()
    folder = path.parent
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        folder = Path(os.path.realpath(path)).parent if path.is_symlink() else folder
        reason = f"there is no folder {folder}" if not folder.exists() else f"{folder} is no folder"
        if folder.is_dir():
            reason = "another program took away what was written so far"
    elif error.errno in (errno.EACCES, errno.EPERM) and not path.exists():
        reason = f"no permission to make files in the folder {folder}"
    told = type(OSError(error.errno, ""))(f"cannot write {path}: {reason}")
    told.errno = error.errno
    return told
