"""`python -m hf_hybrid.cli`."""

import sys

from hf_hybrid.cli.main import main

sys.exit(main())
