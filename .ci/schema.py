"""Write docs/schema.md, the tables of the database: python .ci/schema.py.

The schema is read from a new database that all migrations have been applied to.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from autolearn.store import Store, schema_sql  # noqa: E402

PAGE = ROOT / "docs" / "schema.md"
TEXT = """# Database schema

Written by `python .ci/schema.py`; do not edit. The views `sample_overview` and
`quiz_overview` are made for reading by hand. The [glossary](glossary.md) explains the
terms.

```sql
{sql}
```
"""


def render(store: Store) -> str:
    """Return the page for an open workspace."""
    return TEXT.format(sql=schema_sql(store.db).strip())


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        PAGE.write_text(render(store), encoding="utf-8")


if __name__ == "__main__":
    main()
