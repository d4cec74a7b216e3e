"""Trees to push and outputs to pull: drawn from a seed, so that every repeat and every peer gets the same bytes.

Also a command of a run (``python trees.py``), which makes its outputs of this.
"""

import hashlib
import os
import random
import shutil
import sys
import time
from pathlib import Path

A_FOLDER = 100
"""Files in one folder."""
_MIB = 1024 * 1024
_REGIONS = 8
_SHARE = 10


def text(dice: random.Random, size: int) -> bytes:
    """Lines of made-up words: they compress about as well as source code does, and no two files are alike."""
    found = ""
    while len(found) < size:
        found += "".join(dice.choices(_PIECES, k=(size - len(found)) // 7 + 1))
    return found.encode()[:size]


def small_files(folder: Path, count: int, size: int, seed: int = 1) -> None:
    """``count`` text files of ``size`` bytes each, ``A_FOLDER`` to a folder."""
    dice = random.Random(seed)
    for number in range(count):
        place = folder / f"part-{number // A_FOLDER:04}"
        if number % A_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"file-{number:06}.txt").write_bytes(text(dice, size))


def big_file(path: Path, mebibytes: int, seed: int = 2) -> None:
    """Random bytes, which do not compress, as images and weights do not."""
    dice = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(dice.randbytes(_MIB))


def insert_at_head(path: Path, byte: int) -> None:
    """Writes the file anew with one byte more in front."""
    aside = path.with_name(f"{path.name}.new")
    with path.open("rb") as old, aside.open("wb") as new:
        new.write(bytes([byte]))
        shutil.copyfileobj(old, new, _MIB)
    aside.replace(path)


def change_a_tenth(path: Path, seed: int = 4) -> None:
    """Overwrites one tenth of the file, in eight stretches: what training some layers of a model makes of it.

    The file appears under its name with all of that done.
    """
    dice = random.Random(seed)
    aside = path.parent.with_name(
        f"{path.parent.name}-{path.name}.new"
    )  # a folder that is published does not show it
    shutil.copyfile(path, aside)
    size = aside.stat().st_size
    with aside.open("r+b") as file:
        for region in range(_REGIONS):
            file.seek(region * size // _REGIONS)
            file.write(dice.randbytes(size // _SHARE // _REGIONS))
    aside.replace(path)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _vocabulary() -> list[str]:
    """Words, each with what may stand after it."""
    dice = random.Random(0)
    letters = "etaoinshrdlucmfwygpb"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 11))) for _ in range(2000)]
    return [word + after for word in words for after in [*[" "] * 8, "\n", "(", ")\n    ", " = "]]


_PIECES = _vocabulary()


def _as_a_run(what: str, *words: str) -> None:
    """``small COUNT SIZE``, or ``big MEBIBYTES SIGNALS``: that one is changed when ``change`` appears in the folder
    SIGNALS, which ``changed`` answers, and ends when ``end`` does."""
    output = Path(os.environ["HYBRID_OUTPUT"])
    if what == "small":
        count, size = words
        small_files(output, int(count), int(size))
        return
    mebibytes, folder = words
    signals = Path(folder)
    aside = output.with_name(f"{output.name}.new")
    big_file(aside, int(mebibytes))
    aside.replace(output / "model.bin")
    (signals / "made").touch()
    changed = False
    while not (signals / "end").exists():
        if not changed and (signals / "change").exists():
            change_a_tenth(output / "model.bin")
            (signals / "changed").touch()
            changed = True
        time.sleep(0.1)


if __name__ == "__main__":
    _as_a_run(*sys.argv[1:])
