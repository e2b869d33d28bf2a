"""The key of the upload that is shown; until now the second of the change was it.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-21 16:20:00

"""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("avatar_key", sa.String(length=32), nullable=True))
    op.execute(
        "UPDATE users SET avatar_key = CAST(avatar_changed_at AS VARCHAR(32)) WHERE avatar_changed_at IS NOT NULL"
    )


def downgrade():
    op.execute("UPDATE users SET avatar_changed_at = NULL WHERE avatar_key IS NULL")
    op.drop_column("users", "avatar_key")
