"""`python -m monitoring`: write the rules and dashboards of k8s/components/monitoring."""

from monitoring.files import FOLDER, contents

for name, content in contents().items():
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
