"""The whole job on Olist, beside a straightforward pandas and scikit-learn script that does the same work.

`SEGMENTATION_TEST_DATA=FOLDER python -m benchmarks.olist_training`, FOLDER holding `olist/`.
"""

import tempfile
from pathlib import Path

from benchmarks.measure import command, olist

ROUNDS = 3
ALONE = ("--set", "report=null", "--set", "comparison.algorithms=[]", "--set", "refits.times=2")
"""Without the page, other algorithms and most refits, none of which the script makes."""


def main() -> None:
    folder = olist()
    if folder is None:
        print("Olist training: skipped, SEGMENTATION_TEST_DATA is not set")
        return
    print(f"Olist training, best of {ROUNDS} interleaved rounds (reading to published model)")
    whole, alone, plain = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as out:
            data = str(folder)
            run = ["-m", "training", "run", "--source", "olist", "--data", data, "--registry"]
            whole.append(command([*run, str(Path(out, "whole"))]))
            alone.append(command([*run, str(Path(out, "alone")), *ALONE]))
            plain.append(command(["-m", "benchmarks.plain_training", data, str(Path(out, "plain.pkl"))]))
    for name, costs in (("run, with all it publishes", whole), ("run, the model alone", alone), ("the script", plain)):
        seconds, memory = min(cost.seconds for cost in costs), max(cost.peak_megabytes for cost in costs)
        print(f"  {name:26} {seconds:6.1f} s   {memory:6.0f} MB peak")
    ratio = min(cost.seconds for cost in plain) / min(cost.seconds for cost in alone)
    print(f"  time of the script / the model alone: {ratio:.2f}x")


if __name__ == "__main__":
    main()
