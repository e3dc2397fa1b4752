"""The whole job on Olist, beside a straightforward pandas and scikit-learn script that does the same work.

`SEGMENTATION_TEST_DATA=FOLDER python -m benchmarks.olist_training`, FOLDER holding `olist/`.
"""

import tempfile
from pathlib import Path

from benchmarks.measure import command, olist

ROUNDS = 3


def main() -> None:
    folder = olist()
    if folder is None:
        print("Olist training: skipped, SEGMENTATION_TEST_DATA is not set")
        return
    print(f"Olist training, best of {ROUNDS} interleaved rounds (reading to published model)")
    ours, plain = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as out:
            data = str(folder)
            ours.append(command(["-m", "training", "run", "--source", "olist", "--data", data, "--registry", out]))
            plain.append(command(["-m", "benchmarks.plain_training", data, str(Path(out, "plain.pkl"))]))
    for name, costs in (("python -m training run", ours), ("pandas + scikit-learn", plain)):
        seconds, memory = min(cost.seconds for cost in costs), max(cost.peak_megabytes for cost in costs)
        print(f"  {name:24} {seconds:6.1f} s   {memory:6.0f} MB peak")
    ratio = min(cost.seconds for cost in plain) / min(cost.seconds for cost in ours)
    print(f"  time of the script / ours: {ratio:.2f}x")


if __name__ == "__main__":
    main()
