"""Parquet in and out: the only file that imports pyarrow, and only when it is used."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Literal

Kind = Literal["text", "number"]

_READ_ROWS = 1_024
_WRITE_ROWS = 16_384


class BadTable(Exception):
    """The file is no readable Parquet; ``str(error)`` is a clause."""


def read(path: Path) -> Iterator[dict[str, object]]:
    """The rows, batch by batch. Raises BadTable, at any row; OSError passes through."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=_READ_ROWS):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        first_line = str(error).partition("\n")[0]
        raise BadTable(f"is not readable Parquet ({first_line})") from error


def write(file: IO[bytes], columns: Mapping[str, Kind], rows: Iterable[Mapping[str, object]]) -> None:
    """All rows into an open file. A column may hold None."""
    import pyarrow
    import pyarrow.parquet

    kinds = {"text": pyarrow.string(), "number": pyarrow.float64()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    remaining = iter(rows)
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while chunk := list(islice(remaining, _WRITE_ROWS)):
            writer.write_table(pyarrow.Table.from_pylist(chunk, schema=schema))
