"""Start autolearn in the browser: `python app.py`."""

import sys

from autolearn.ui.launch import main

if __name__ == "__main__":
    sys.exit(main())
