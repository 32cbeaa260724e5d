"""Start autolearn in the browser."""

import sys

MESSAGE = """\
The page in the browser does not exist yet; the command line does the whole job.
Watch the built-in model learn a library it has never seen:

    {python} -m autolearn demo
"""


def main() -> int:
    """Say what there is until the page exists."""
    sys.stdout.write(MESSAGE.format(python=sys.executable))
    return 0


if __name__ == "__main__":
    sys.exit(main())
