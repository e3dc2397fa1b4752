"""`python -m monitoring [PAGE]`: write the rules and dashboards of k8s/components/monitoring.

PAGE is the address at which your people read docs/deploy.md; alerts link to it.
"""

import sys

from monitoring.files import FOLDER, contents
from monitoring.rule import RUNBOOKS

for name, content in contents(*(sys.argv[1:] or [RUNBOOKS])).items():
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
