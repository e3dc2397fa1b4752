"""What a command waits for before it begins."""

import subprocess
import sys


def test_no_command_waits_for_libraries_that_another_needs() -> None:
    script = (
        "import sys, campaigns.cli\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'statsmodels', 'matplotlib', 'psycopg', 'boto3', 'sklearn'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
