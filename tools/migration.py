"""Writes a migration for what changed in the tables: tools/migration.py "what it does"."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from ringdesk.migrate import alembic_config

VERSIONS = Path(__file__).parents[1] / "ringdesk" / "migrations" / "versions"


def main(message: str) -> None:
    """Compare the tables with an empty database at the newest version, write the difference."""
    number = len(list(VERSIONS.glob("[0-9]*.py"))) + 1
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        config = alembic_config(connection)
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")


if __name__ == "__main__":
    main(sys.argv[1])
