"""Queries whose SQL is built once per process and then only run with new values.

Django builds the SQL of a queryset every time it is evaluated. For a lookup with two joins this
takes about 1 500 Python calls, several times the work of running it. Only the queries of every
request and every message are prepared. Without this module they would be ordinary querysets, and a
message would cost twice as much. It can go as soon as Django caches compiled queries itself.

    find_user = PreparedQuery(
        lambda name: User.objects.filter(username=name), name=User._meta.get_field("username")
    )
    user = find_user.first(name="alice")

A parameter for `__in` is declared with `ListOf(field)` and gets a collection of values.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql import UpdateQuery

AnyModel = TypeVar("AnyModel", bound=Model)


class ListOf(NamedTuple):
    """Declares a parameter that is compared by `__in`."""

    field: Field[Any, Any]


class _Slot(NamedTuple):
    """The place of a value, or of a list of values, among the parameters of a statement."""

    name: str
    field: Field[Any, Any]
    is_list: bool

    @property
    def sql(self) -> str:
        return f"({{{self.name}}})" if self.is_list else "%s"

    def converted(self, value: Any, connection: Any) -> Any:
        return self.field.get_db_prep_value(value, connection)


class _Parameter(Expression):
    """Stands in a queryset for a value that is given when the query runs."""

    def __init__(self, name: str, declared: Field[Any, Any] | ListOf) -> None:
        is_list = isinstance(declared, ListOf)
        field = declared.field if isinstance(declared, ListOf) else declared
        super().__init__(output_field=field)
        self._slot = _Slot(name, field, is_list)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[_Slot]]:  # type: ignore[override]
        return self._slot.sql, [self._slot]


class _Statement(NamedTuple):
    sql: str
    params: tuple[object, ...]
    compiler: Any
    converters: dict[int, Any]  # of the columns, the same for all connections to one database

    def bound(self, values: dict[str, Any]) -> Any:
        """Return a compiler of the current connection that runs it with these values.

        Raises EmptyResultSet if a list is empty, as Django does.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        sql = self.sql
        params: list[object] = []
        for param in self.params:
            if not isinstance(param, _Slot):
                params.append(param)
            elif not param.is_list:
                params.append(param.converted(values[param.name], connection))
            elif not values[param.name]:
                raise EmptyResultSet
            else:
                items = [param.converted(value, connection) for value in values[param.name]]
                sql = sql.replace(param.sql, f"({', '.join(['%s'] * len(items))})")
                params += items
        compiler = copy.copy(self.compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *_args, **_kwargs: (sql, tuple(params))
        compiler.get_converters = lambda _columns: self.converters
        return compiler


class _Prepared:
    def __init__(self, parameters: dict[str, Field[Any, Any] | ListOf]) -> None:
        self._parameters = {
            name: _Parameter(name, declared) for name, declared in parameters.items()
        }
        self._statements: dict[str, _Statement] = {}  # by database vendor

    def _compiler(self) -> Any:
        raise NotImplementedError

    def _bound(self, values: dict[str, Any]) -> Any:
        vendor = connections[DEFAULT_DB_ALIAS].vendor
        if vendor not in self._statements:
            compiler = self._compiler()
            sql, params = compiler.as_sql()
            columns = [column for column, *_rest in compiler.select or ()]
            converters = compiler.get_converters(columns)
            self._statements[vendor] = _Statement(sql, tuple(params), compiler, converters)
        return self._statements[vendor].bound(values)


class _PreparedLookup(_Prepared, Generic[AnyModel]):
    """`build` gets one keyword argument for each parameter, whose field converts the values."""

    def __init__(
        self, build: Callable[..., QuerySet[AnyModel]], **parameters: Field[Any, Any] | ListOf
    ) -> None:
        super().__init__(parameters)
        self._build = build

    def _compiler(self) -> Any:
        return self._build(**self._parameters).query.get_compiler(using=DEFAULT_DB_ALIAS)


class PreparedQuery(_PreparedLookup[AnyModel]):
    """A lookup of whole objects. `select_related` works, `prefetch_related` does not."""

    def first(self, **values: Any) -> AnyModel | None:
        return next(iter(self.all(**values)), None)

    def all(self, **values: Any) -> list[AnyModel]:
        try:
            compiler = self._bound(values)
        except EmptyResultSet:  # for example a slice of length 0, or an empty list
            return []
        query = SimpleNamespace(get_compiler=lambda using: compiler)
        queryset = SimpleNamespace(db=DEFAULT_DB_ALIAS, query=query, _known_related_objects={})
        return list(ModelIterable(queryset))  # type: ignore[arg-type]


class PreparedRows(_PreparedLookup[Any]):
    """A lookup of tuples, built by `values_list(…)`."""

    def all(self, **values: Any) -> list[tuple[Any, ...]]:
        return list(self._bound(values).results_iter(tuple_expected=True))


class PreparedUpdate(_Prepared, Generic[AnyModel]):
    """An update of the rows that match a lookup.

    `build` and `changes`, which returns the new value of each column, get the parameters.
    """

    def __init__(
        self,
        build: Callable[..., QuerySet[AnyModel]],
        changes: Callable[..., dict[str, Any]],
        **parameters: Field[Any, Any] | ListOf,
    ) -> None:
        super().__init__(parameters)
        self._build = build
        self._changes = changes

    def run(self, **values: Any) -> int:
        """Return the number of rows that matched."""
        compiler = self._bound(values)
        with compiler.connection.cursor() as cursor:
            cursor.execute(*compiler.as_sql())
            rows: int = cursor.rowcount
        return rows

    def _compiler(self) -> Any:
        query: Any = self._build(**self._parameters).query.chain(UpdateQuery)
        query.add_update_values(self._changes(**self._parameters))
        return query.get_compiler(using=DEFAULT_DB_ALIAS)
