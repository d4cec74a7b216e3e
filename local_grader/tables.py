"""Parquet in and out: the only file that imports pyarrow, and only when it is used."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

# Read when pyarrow is imported, which is later than this, and in other processes, too. Its own pools keep what they once had: 60 MB more
# for a million rows, which go through here by the thousand.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

Kind = Literal["text", "number"]

_READ_ROWS = 1_024
_BUFFER = 1 << 20


class BadTable(Exception):
    """The file is no readable Parquet; ``str(error)`` is a clause."""


def read(path: Path) -> Iterator[dict[str, object]]:
    """The rows, batch by batch. Raises BadTable, at any row; OSError passes through."""
    for batch in _batches(path):
        yield from rows(batch)


def rows(batch: Any) -> list[dict[str, object]]:
    """Those of a pyarrow.Table or one of its batches. Raises BadTable where a value is none of Python's."""
    import pyarrow

    try:
        found: list[dict[str, object]] = batch.to_pylist()
    except (ValueError, OverflowError, pyarrow.ArrowException) as error:  # no UTF-8, or the year 10,000
        raise _bad(error) from error
    return found


def split(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """The table in pieces of about ``size`` bytes, each packed and after how many rows. Raises as ``read`` does."""
    import pyarrow

    before = count = held = 0
    batches: list[Any] = []
    for batch in _batches(path):
        # Long rows: a batch of them is many pieces, and all that are under way are held at once.
        step = max(1, batch.num_rows * size // max(size, batch.nbytes))
        for start in range(0, batch.num_rows, step):
            part = batch.slice(start, step)
            batches.append(part)
            count += part.num_rows
            held += part.nbytes
            if held >= size:
                yield before, _packed(pyarrow.Table.from_batches(batches))
                before, held, batches = count, 0, []
    if batches:
        yield before, _packed(pyarrow.Table.from_batches(batches))


def _batches(path: Path, names: Sequence[str] | None = None) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            # By this thread and when they are wanted: threads that read ahead take half as much memory again, and no less time.
            yield from table.iter_batches(
                batch_size=_READ_ROWS, columns=None if names is None else list(names), use_threads=False
            )
    except pyarrow.ArrowException as error:
        raise _bad(error) from error


def pack(columns: Mapping[str, Sequence[object]], kinds: Mapping[str, Kind]) -> bytes:
    """Columns as another process can take them, with ``unpacked``."""
    import pyarrow

    schema = _schema({name: kinds[name] for name in columns})
    arrays = [_array(columns[field.name], field.type, 0) for field in schema]
    return _packed(pyarrow.Table.from_arrays(arrays, schema=schema))


def unpacked(content: bytes) -> Any:
    """A pyarrow.Table."""
    import pyarrow

    with pyarrow.ipc.open_stream(content) as stream:
        return stream.read_all()


def columns(content: bytes) -> Mapping[str, Any]:
    """What was packed, as ``Writer`` takes it."""
    table = unpacked(content)
    return {name: table[name] for name in table.column_names}


def _packed(table: Any) -> bytes:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def differ(column: Sequence[Any]) -> bool:
    """Whether no two values of the column, which is given in parts, are the same."""
    import pyarrow
    import pyarrow.compute

    whole = pyarrow.chunked_array(column)
    return bool(pyarrow.compute.count_distinct(whole, mode="all").as_py() == len(whole))


def parts(path: Path, names: Sequence[str]) -> Iterator[list[list[Any]]]:
    """Some columns, batch by batch, each as a list in the order of ``names``; the others are not read. Raises as ``read`` does."""
    for batch in _batches(path, names):
        try:
            yield [batch[name].to_pylist() for name in names]
        except (KeyError, UnicodeDecodeError) as error:
            raise _bad(error) from error


def picked(path: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """Some columns, whole; the others are not read. Raises as ``read`` does."""
    found: dict[str, list[Any]] = {name: [] for name in names}
    for part in parts(path, names):
        for name, values in zip(names, part, strict=True):
            found[name] += values
    return found


class Writer:
    """Rows into an open file, in columns of Python values, a few ten thousand at a time; a value may be None.

    Text that UTF-8 cannot hold gets escapes: JSON can hold half a surrogate pair, and a file's name any byte. ``metadata``
    is text that goes with the file as a whole. ``close`` ends the file; without it, it is no Parquet.
    """

    def __init__(self, file: IO[bytes], columns: Mapping[str, Kind], metadata: Mapping[str, str]) -> None:
        import pyarrow
        import pyarrow.parquet

        self._schema = _schema(columns).with_metadata(dict(metadata))
        # Unbuffered, every few kilobytes would wait for the interpreter, which another thread may hold.
        self._sink = pyarrow.BufferedOutputStream(pyarrow.PythonFile(file, mode="w"), _BUFFER)
        self._writer = pyarrow.parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def write(self, columns: Mapping[str, Sequence[object] | object], rows: int) -> None:
        """One batch. A column that is neither a list nor one of ``unpacked`` holds the same value in every row."""
        self.put(self.batch(columns, rows))

    def batch(self, columns: Mapping[str, Sequence[object] | object], rows: int) -> Any:
        """The same, for ``put``: this half needs the interpreter all the time, the other one hardly ever."""
        import pyarrow

        arrays = [_array(columns[field.name], field.type, rows) for field in self._schema]
        return pyarrow.Table.from_arrays(arrays, schema=self._schema)

    def put(self, batch: Any) -> None:
        self._writer.write_table(batch)

    def tell(self, metadata: Mapping[str, str]) -> None:
        """More metadata, known only by now."""
        self._writer.add_key_value_metadata(dict(metadata))

    def close(self) -> None:
        try:
            self._writer.close()
            self._sink.detach()  # flushed; else the file would be closed, too
        except OSError:
            # Else it would try once more when it is collected, and complain on standard error.
            with suppress(OSError):
                self._sink.close()
            raise


def _schema(columns: Mapping[str, Kind]) -> Any:
    import pyarrow

    kinds = {"text": pyarrow.string(), "number": pyarrow.float64()}
    return pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])


def _bad(error: Exception) -> BadTable:
    first_line = str(error).partition("\n")[0]
    return BadTable(f"is not readable Parquet ({first_line})")


def _array(column: Sequence[object] | object, kind: Any, rows: int) -> Any:
    import pyarrow

    if isinstance(column, pyarrow.ChunkedArray):
        return column
    if not isinstance(column, list):
        return pyarrow.repeat(pyarrow.scalar(column, kind), rows)
    try:
        return pyarrow.array(column, kind)
    except UnicodeEncodeError:
        return pyarrow.array([_encodable(value) for value in column], kind)


def _encodable(text: object) -> object:
    return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


def metadata(path: Path) -> dict[str, str]:
    """What ``Writer`` was given or told to go with the file. Raises BadTable; OSError passes through."""
    import pyarrow
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.read_metadata(path).metadata or {}
    except pyarrow.ArrowException as error:
        raise _bad(error) from error
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in found.items()}
