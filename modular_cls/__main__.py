"""`python -m modular_cls` is the command line."""

import sys

from modular_cls.cli import main

sys.exit(main())
