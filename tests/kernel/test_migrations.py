"""The migrations lead from nothing to exactly the models' tables, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

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


def test_a_picture_from_before_keys_keeps_its_files_both_ways(empty):
    with empty.app_context():
        upgrade(revision="0003")
        columns = "uname, uname_key, name, user_type, email_verified, gender, intro, disabled, language, generation"
        values = "'ning', 'ning', '', 'student', false, 0, '', false, '', 0, '2026-11-20', 1432222999"
        with db.engine.begin() as connection:
            connection.execute(text(f"INSERT INTO users ({columns}, created_at, avatar_changed_at) VALUES ({values})"))
        upgrade(revision="0004")
        with db.engine.begin() as connection:
            assert connection.execute(text("SELECT avatar_key FROM users")).scalar() == "1432222999"
        downgrade(revision="0003")
        with db.engine.begin() as connection:
            assert connection.execute(text("SELECT avatar_changed_at FROM users")).scalar() == 1432222999


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
