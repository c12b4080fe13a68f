"""Schema versions (Alembic), run by the server itself: a user never calls Alembic.

`versions/` holds one file a version. A new version changes `gate.store.sql.schema` and adds a file here; a test checks that
migrating an empty database gives exactly the schema.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to the newest version (tests: to an older one); nothing happens when it is there. Runs in the caller's
    transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
