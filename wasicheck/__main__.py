"""`python -m wasicheck`."""

import sys

from wasicheck.cli import main

if __name__ == "__main__":
    sys.exit(main())
