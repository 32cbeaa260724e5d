"""``python -m autolearn``: the command line."""

import sys

from autolearn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
