"""Parquet in and out: the only file that imports pyarrow, and only when it is used."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

Kind = Literal["text", "number"]

_READ_ROWS = 1_024


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


class Writer:
    """Rows into an open file, in columns of Python values, a few ten thousand at a time; a value may be None.

    ``metadata`` is text that goes with the file as a whole. ``close`` ends the file; without it, it is no Parquet.
    """

    def __init__(self, file: IO[bytes], columns: Mapping[str, Kind], metadata: Mapping[str, str]) -> None:
        import pyarrow
        import pyarrow.parquet

        kinds = {"text": pyarrow.string(), "number": pyarrow.float64()}
        self._schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()], dict(metadata))
        self._writer = pyarrow.parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, columns: Mapping[str, Sequence[object] | object], rows: int) -> None:
        """One batch. A column that is no list holds the same value in every row."""
        import pyarrow

        arrays = [
            pyarrow.array(columns[field.name], field.type)
            if isinstance(columns[field.name], list)
            else pyarrow.repeat(pyarrow.scalar(columns[field.name], field.type), rows)
            for field in self._schema
        ]
        self._writer.write_table(pyarrow.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def metadata(path: Path) -> dict[str, str]:
    """What ``Writer`` was given to go with the file. Raises BadTable; OSError passes through."""
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(path)
    except pyarrow.ArrowException as error:
        first_line = str(error).partition("\n")[0]
        raise BadTable(f"is not readable Parquet ({first_line})") from error
    return {key.decode(): value.decode("utf-8", "replace") for key, value in (schema.metadata or {}).items()}
