"""The durable record of a search: what is finished is never fitted again.

In the folder are `journal.jsonl`, one line for the search and one for each finished
trial, and, until its trial has a line, one file for each finished fold.
"""

import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from .._durable import write_atomically
from ..exceptions import JournalError

FORMAT = 1


class Journal:
    """The journal of one search, open for this process alone.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.

    header : dict of str to object
        What makes two searches the same, in JSON's types: data, space, and so on.

    not_compared : sequence of str, default=()
        What of it may differ; the journal's own counts.

    Raises
    ------
    JournalError
        If the folder holds the journal of another search, a damaged one, or one that
        another process has open.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        header: Mapping[str, Any],
        not_compared: Sequence[str] = (),
    ):
        self._not_compared = not_compared
        self.folder = Path(folder)
        self._make_folder()
        self._lock = _lock(self.folder / "lock")
        try:
            self.header, self.trials = self._read(dict(header))
            self.read_folds()
            for half_written in self.folder.glob("*.tmp"):
                half_written.unlink()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process open the journal."""
        os.close(self._lock)

    def finished(
        self, trial: int, origin: str, cells: Mapping[str, Any]
    ) -> dict[int, dict[str, Any]]:
        """Return the records of the finished folds of a trial, by fold.

        `origin` and `cells` say what the trial is now.
        """
        folds = self._folds_of(trial)
        for fold in folds.values():
            if fold["origin"] != origin or fold["cells"] != dict(cells):
                raise JournalError(
                    f"trial {trial} of the journal in {str(self.folder)!r} is "
                    f"{fold['cells']} of {fold['origin']}, now it is {dict(cells)} of "
                    f"{origin}: the search proposes something else than it did, with "
                    "other versions perhaps. Name another folder."
                )
        return folds

    def cells_of(self, trial: int, origin: str) -> dict[str, Any] | None:
        """Return what a trial of a part of the search was, None if it has none."""
        folds = [
            fold for fold in self._folds_of(trial).values() if fold["origin"] == origin
        ]
        return folds[0]["cells"] if folds else None

    def _folds_of(self, trial: int) -> dict[int, dict[str, Any]]:
        if trial < len(self.trials):
            return {fold["fold"]: fold for fold in self.trials[trial]["folds"]}
        return self.folds.get(trial, {})

    def write_trial(self, number: int, folds: list[dict[str, Any]]) -> None:
        """Append a finished trial, and drop the files of its folds."""
        if number >= len(self.trials):
            record = {"trial": number, "folds": folds}
            self._append(record)
            self.trials.append(record)
        for path in _fold_paths(self.folder, number):
            path.unlink()

    @property
    def id(self) -> str:
        """What tells this search from all others, whenever it goes on."""
        line = _line({**self.header, "folder": str(self.folder.absolute())})
        return hashlib.blake2b(line, digest_size=16).hexdigest()

    @property
    def _path(self) -> Path:
        return self.folder / "journal.jsonl"

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise JournalError(
                f"journal must name a folder, or nothing yet, got {str(self.folder)!r},"
                " which is a file or below one."
            ) from error

    def _append(self, record: Mapping[str, Any]) -> None:
        # Without a buffer, of which a part could still be written after an error.
        with open(self._path, "r+b", buffering=0) as file:
            # What a writing that failed has left would be damage before this line.
            file.truncate(self._size)
            file.seek(self._size)
            rest = memoryview(_line(record))
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
            self._size = file.tell()

    def _read(self, header: dict[str, Any]) -> tuple[dict, list[dict]]:
        """Return what the file holds, after writing the header if there is none."""
        records, self._size = _read_lines(self._path)
        if not records:
            # A journal that is made anew is of another search.
            header = {"format": FORMAT, "id": uuid4().hex, **header}
            write_atomically(self._path, _line(header))
            self._size = self._path.stat().st_size
            return header, []
        known, *trials = records
        taken_over = ("id", *self._not_compared)
        header |= {name: known[name] for name in taken_over if name in known}
        _check_same_search(self.folder, known, {"format": FORMAT, **header})
        if [record.get("trial") for record in trials] != list(range(len(trials))):
            raise JournalError(
                f"the trials in {self._path} must follow each other, and do not: the "
                "file is damaged. Name another folder to search from the start."
            )
        return known, trials

    def read_folds(self) -> None:
        """Read the folds that workers have left."""
        folds: dict[int, dict[int, dict]] = {}
        for path in _fold_paths(self.folder):
            record = _decode(path.read_bytes().rstrip(b"\n"))
            if record is None:
                raise _damaged(path)
            folds.setdefault(record["trial"], {})[record["fold"]] = record
        self.folds = folds


def write_fold(folder: str | None, record: Mapping[str, Any]) -> None:
    """Leave a finished fold on disk, if there is a journal: whole or not at all."""
    if folder is not None:
        name = f"trial-{record['trial']:06d}-fold-{record['fold']}.json"
        write_atomically(Path(folder) / name, _line(record))


def _fold_paths(folder: Path, trial: int | None = None) -> list[Path]:
    of_trial = "*" if trial is None else f"{trial:06d}"
    return sorted(folder.glob(f"trial-{of_trial}-fold-*.json"))


def _line(record: Mapping[str, Any]) -> bytes:
    """Return a record as one line that shows when it is not whole."""
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _decode(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, None if it is damaged."""
    check, _, text = line.partition(b" ")
    if check != b"%08x" % zlib.crc32(text):
        return None
    return json.loads(text)


def _read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the records of a file and the bytes they take.

    A last one that a kill has cut off is left out.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    *lines, rest = content.split(b"\n")
    whole = 0
    records = []
    for position, line in enumerate(lines):
        record = _decode(line)
        if record is None:
            if position < len(lines) - 1 or rest or not records:
                raise _damaged(path)
            rest = line
            break
        records.append(record)
        whole += len(line) + 1
    if rest:
        if not records:
            raise _damaged(path)
        warnings.warn(
            f"The last record of {path} is damaged, as a kill leaves it; its trial is "
            "evaluated again, but for the folds that are on disk.",
            stacklevel=2,
        )
    return records, whole


def _damaged(path: Path) -> JournalError:
    return JournalError(
        f"a journal must be as it was written, but {path} is damaged. Name another "
        "folder to search from the start."
    )


def _check_same_search(
    folder: Path, known: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    differences = list(_differences(known, wanted))
    if differences:
        raise JournalError(
            f"the journal in {str(folder)!r} is of another search. These differ:\n"
            + "\n".join(differences)
            + "\nGive the same again, or name another folder."
        )


def _differences(
    known: Mapping[str, Any], wanted: Mapping[str, Any], within: str = ""
) -> Iterator[str]:
    for name in sorted({*known, *wanted}):
        before, now = known.get(name), wanted.get(name)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            yield from _differences(before, now, f"{within}{name}: ")
        elif before != now:
            told = "not" if name not in known else before
            tells = "not there" if name not in wanted else now
            yield f"- {within}{name}: {told} in the journal, now {tells}"


def _lock(path: Path) -> int:
    """Return the open file by which this process alone has the journal.

    The system lets go of it when the process ends, however it ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        _lock_file(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise JournalError(
            f"the journal in {str(path.parent)!r} is in use by another search. Wait "
            "for its end, or name another folder."
        ) from error
    return descriptor


def _lock_file(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
