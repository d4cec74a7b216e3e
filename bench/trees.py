"""Trees to push: drawn from a seed, so that every repeat and every peer gets the same bytes."""

import random
from pathlib import Path

A_FOLDER = 100
"""Files in one folder."""


def text(dice: random.Random, size: int) -> bytes:
    """Lines of made-up words: they compress about as well as source code does, and no two files are alike."""
    words: list[str] = []
    length = 0
    while length < size:
        word = f"{_WORDS[dice.randrange(len(_WORDS))]}{dice.choice(_BETWEEN)}"
        words.append(word)
        length += len(word)
    return "".join(words).encode()[:size]


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
            file.write(dice.randbytes(1024 * 1024))


def insert_at_head(path: Path, byte: int) -> None:
    """Writes the file anew with one byte more in front."""
    content = path.read_bytes()
    path.write_bytes(bytes([byte]) + content)


def _vocabulary() -> list[str]:
    dice = random.Random(0)
    letters = "etaoinshrdlucmfwygpb"
    return ["".join(dice.choices(letters, k=dice.randint(2, 11))) for _ in range(2000)]


_WORDS = _vocabulary()
_BETWEEN = [" "] * 8 + ["\n", "(", ")\n    ", " = "]
