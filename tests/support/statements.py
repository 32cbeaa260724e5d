"""The SQL statements that something takes."""


def taken_by(store, work):
    """Return the statements that a function takes, with their values."""
    statements: list[str] = []
    store.db._connection.set_trace_callback(statements.append)
    try:
        work()
    finally:
        store.db._connection.set_trace_callback(None)
    return statements
