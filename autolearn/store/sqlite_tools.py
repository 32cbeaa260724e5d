"""The parts of sqlite_utils that the store uses, imported without pandas.

If pandas is installed, as it is with Gradio, sqlite_utils imports it to know its
types. That takes 0.3 s of processor time and 30 MiB in each process that opens a
workspace, and nothing that the store writes comes from pandas.
"""

from autolearn.core.heavy_imports import left_out

with left_out("pandas"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
