"""Statements that many requests run: compiled once and handed to the driver as they are, rows as plain named tuples."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError


def upsert(dialect: str, table: type[Any]) -> Any:
    """An INSERT that can say ON CONFLICT, in the words of a database."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


class Statement:
    """One statement without what SQLAlchemy does anew for each execution; all its parameters are named bindparams.

    `build` is the statement, or what makes it for the name of a database's dialect. Whoever listens to the engine's
    statements hears of it, and what the driver raises becomes SQLAlchemy's error, as everywhere.
    """

    def __init__(self, build: Executable | Callable[[str], Any]) -> None:
        self._build = build
        self._spelled: dict[str, _Spelled] = {}

    def one_or_none(self, engine: Engine, **values: Any) -> Any:
        """The first row of a SELECT on a connection of the pool, without any transaction; None where there is none."""
        spelled, errors = self._in_words_of(engine.dialect), engine.dialect.loaded_dbapi.Error
        must_not_begin = engine.dialect.name == "postgresql"  # SQLite begins only when it is told to
        pooled, raw = None, None
        try:
            pooled = engine.raw_connection()
            raw = cast(Any, pooled.dbapi_connection)
            if must_not_begin:
                raw.autocommit = True
            return spelled.run(engine, raw, values)
        except errors as error:
            if pooled is not None and engine.dialect.is_disconnect(error, raw, None):
                pooled.invalidate(error)
            raise spelled.as_ours(error) from error
        finally:
            if raw is not None and must_not_begin and not raw.closed:
                raw.autocommit = False
            if pooled is not None:
                pooled.close()

    def within(self, connection: Connection, **values: Any) -> Any:
        """Run it in the transaction that `connection` is in; the first row where it returns any."""
        spelled = self._in_words_of(connection.dialect)
        raw: Any = connection.connection.dbapi_connection
        try:
            return spelled.run(connection.engine, raw, values)
        except connection.dialect.loaded_dbapi.Error as error:
            if connection.dialect.is_disconnect(error, raw, None):
                connection.invalidate(error)
            raise spelled.as_ours(error) from error

    def _in_words_of(self, dialect: Dialect) -> _Spelled:
        found = self._spelled.get(dialect.name)
        if found is None:
            statement = self._build(dialect.name) if callable(self._build) else self._build
            found = self._spelled[dialect.name] = _Spelled(statement, dialect)
        return found


class _Spelled:
    """A statement as one kind of database reads it."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.dialect = dialect
        self._text = str(compiled)
        self._positions: list[str] | None = compiled.positiontup
        self._binds = [
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in compiled.binds.items()
        ]
        columns = getattr(statement, "exported_columns", None) or ()
        results = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._results = [(index, process) for index, process in enumerate(results) if process]
        self._row: Any = namedtuple("Row", columns.keys()) if columns else None

    def run(self, engine: Engine, raw: Any, values: dict[str, Any]) -> Any:
        """Hand it to the driver; the first row."""
        bound: Any = {name: process(values[name]) if process else values[name] for name, process in self._binds}
        if self._positions is not None:
            bound = [bound[name] for name in self._positions]
        cursor = raw.cursor()
        for heard in engine.dispatch.before_cursor_execute:
            heard(raw, cursor, self._text, bound, None, False)
        try:
            cursor.execute(self._text, bound)
            found = cursor.fetchone() if self._row else None
        finally:
            cursor.close()
        if found is None:
            return None
        if self._results:
            found = list(found)
            for index, process in self._results:
                found[index] = process(found[index])
        return self._row._make(found)

    def as_ours(self, error: Exception) -> BaseException:
        """The error as SQLAlchemy's of the same name, without the values."""
        errors = self.dialect.loaded_dbapi.Error
        return DBAPIError.instance(self._text, {}, error, errors, True, dialect=self.dialect)
