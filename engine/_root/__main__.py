"""`python -m glassgrad` is the command `glassgrad`."""

from __future__ import annotations

import sys

from glassgrad.viz.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
