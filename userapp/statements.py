"""A SELECT that every request runs: compiled once, handed to the driver as it is, its row a plain named tuple."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from sqlalchemy import Engine, Select
from sqlalchemy.exc import DBAPIError


class Statement:
    """A SELECT of at most one row, without what SQLAlchemy does anew for each execution.

    Its parameters have names. It borrows a connection of the engine's pool and opens no transaction; whoever listens to
    the engine's statements hears of it, and what the driver raises becomes SQLAlchemy's error, as everywhere.
    """

    def __init__(self, select: Select[Any]) -> None:
        self._select = select
        self._spelled: dict[str, _Spelled] = {}

    def one_or_none(self, engine: Engine, values: dict[str, Any]) -> Any:
        """The row, its columns as attributes; None where there is none."""
        spelled = self._spelled.get(engine.dialect.name)
        if spelled is None:
            spelled = self._spelled[engine.dialect.name] = _Spelled(self._select, engine)
        return spelled.run(engine, values)


class _Spelled:
    """The statement as one kind of database reads it."""

    def __init__(self, select: Select[Any], engine: Engine) -> None:
        dialect = engine.dialect
        compiled: Any = select.compile(dialect=dialect)
        columns = select.selected_columns
        self._text = str(compiled)
        self._positions: list[str] | None = compiled.positiontup
        self._binds = [
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in compiled.binds.items()
        ]
        results = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._results = [(index, process) for index, process in enumerate(results) if process]
        self._row: Any = namedtuple("Row", columns.keys())  # type: ignore[misc]
        self._would_begin = dialect.name == "postgresql"  # SQLite begins only when it is told to

    def run(self, engine: Engine, values: dict[str, Any]) -> Any:
        """Send the statement; a connection that turns out to be lost does not go back to the pool."""
        bound: Any = {name: process(values[name]) if process else values[name] for name, process in self._binds}
        if self._positions is not None:
            bound = [bound[name] for name in self._positions]
        pooled, errors = None, engine.dialect.loaded_dbapi.Error
        try:
            pooled = engine.raw_connection()
            return self._fetch(engine, pooled.dbapi_connection, bound)
        except errors as error:
            if pooled is not None and engine.dialect.is_disconnect(error, pooled.dbapi_connection, None):
                pooled.invalidate(error)
            raise DBAPIError.instance(self._text, {}, error, errors, True, dialect=engine.dialect) from error
        finally:
            if pooled is not None:
                pooled.close()

    def _fetch(self, engine: Engine, connection: Any, bound: Any) -> Any:
        cursor = connection.cursor()
        for heard in engine.dispatch.before_cursor_execute:
            heard(connection, cursor, self._text, bound, None, False)
        if self._would_begin:
            connection.autocommit = True
        try:
            cursor.execute(self._text, bound)
            row = cursor.fetchone()
        finally:
            cursor.close()
            if self._would_begin and not connection.closed:
                connection.autocommit = False
        if row is None:
            return None
        found = list(row)
        for index, process in self._results:
            found[index] = process(found[index])
        return self._row._make(found)
