"""Changes of tables that SQLite has no statement for."""

from autolearn.store.sqlite_tools import Database


def execute_all(db: Database, statements: str) -> None:
    """Execute statements that each end with a semicolon at the end of a line."""
    for statement in statements.split(";\n"):
        db.execute(statement)


def replace_in_table(db: Database, table: str, before: str, after: str) -> None:
    """Replace a part of the CREATE statement of a table that others refer to.

    Rows are not checked again. SQLite's manual describes this way to change a CHECK.
    """
    version = db.execute("PRAGMA schema_version").fetchone()[0]
    db.execute("PRAGMA writable_schema = ON")
    db.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?)"
        " WHERE type = 'table' AND name = ?",
        (before, after, table),
    )
    db.execute(f"PRAGMA schema_version = {version + 1}")
    db.execute("PRAGMA writable_schema = OFF")
