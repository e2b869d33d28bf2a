"""When a phone number was changed, for the undo of a changed address.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("phone_changed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    op.drop_column("users", "phone_changed_at")
