"""``python -m cfn_injector`` runs the command ``cfn-injector``."""

import sys

from cfn_injector.cli.main import main

sys.exit(main())
