"""python -m leadflow: the same as the leadflow command."""

import sys

from leadflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
