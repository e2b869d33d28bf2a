"""Indexes for the pages of administrators, and the counts their dashboard draws.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-21 16:20:00

"""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What is searched by its beginning must be sorted by code points: SQLite does so, PostgreSQL if told.
SEARCHED = {"uid": 30, "uname_key": 120, "name": 60, "phone": 20, "email": 254}


def collate(name):
    if op.get_bind().dialect.name == "postgresql":
        for column, length in SEARCHED.items():
            op.alter_column("users", column, type_=sa.String(length, collation=name))


def upgrade():
    collate("C")
    only_disabled = {"sqlite_where": sa.text("disabled IS 1"), "postgresql_where": sa.text("disabled IS true")}
    op.create_index("ix_users_name_id", "users", ["name", "id"])
    op.create_index("ix_users_user_type_id", "users", ["user_type", "id"])
    op.create_index("ix_users_disabled_id", "users", ["disabled", "id"], **only_disabled)
    op.create_index("ix_audit_events_user_id_id", "audit_events", ["user_id", "id"])
    op.create_index("ix_audit_events_actor_id_id", "audit_events", ["actor_id", "id"])
    op.create_index("ix_audit_events_event_id", "audit_events", ["event", "id"])
    op.drop_index("ix_audit_events_user_id", "audit_events")
    op.create_index("ix_messages_recipient", "messages", ["recipient"])
    op.create_table(
        "tallies",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "name", name=op.f("pk_tallies")),
    )


def downgrade():
    op.drop_table("tallies")
    op.drop_index("ix_messages_recipient", "messages")
    op.create_index("ix_audit_events_user_id", "audit_events", ["user_id"])
    for name in ("event_id", "actor_id_id", "user_id_id"):
        op.drop_index(f"ix_audit_events_{name}", "audit_events")
    for name in ("disabled_id", "user_type_id", "name_id"):
        op.drop_index(f"ix_users_{name}", "users")
    collate("default")
