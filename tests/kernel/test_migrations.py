"""The migrations lead from nothing to exactly the models' tables, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from userapp import create_app
from userapp.extensions import db

SETTINGS = {"SECRET_KEY": "s" * 40, "BASE_URL": "http://localhost", "TRUSTED_HOSTS": ["localhost"]}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """An application on a database without a table."""
    uri = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else ""
    app = create_app({"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": uri, **SETTINGS})
    yield app
    with app.app_context():
        db.engine.dispose()


def test_an_upgrade_makes_exactly_the_models_tables_and_a_second_changes_nothing(empty):
    with empty.app_context():
        for _time in range(2):
            upgrade()
            with db.engine.connect() as connection:
                context = MigrationContext.configure(connection, opts={"compare_type": True})
                assert compare_metadata(context, db.metadata) == []
        assert set(inspect(db.engine).get_table_names()) == {*db.metadata.tables, "alembic_version"}


def test_unique_columns_keep_their_constraints(empty):
    with empty.app_context():
        upgrade()
        found = inspect(db.engine).get_unique_constraints("users")
    assert {tuple(one["column_names"]) for one in found} == {("email",), ("phone",), ("uid",), ("uname_key",)}


def test_a_downgrade_leads_back_to_nothing(empty):
    with empty.app_context():
        upgrade()
        downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
