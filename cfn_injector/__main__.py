"""``python -m cfn_injector`` is the command ``cfn-injector``."""

import sys

from cfn_injector.cli.main import main

sys.exit(main())
