"""Do the features earn their place? Recovery of the generated shop's behaviours, beside plain RFM + KMeans.

`python -m benchmarks.recovery`
"""

from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from segmentation import clock
from segmentation.settings import Settings
from training import configuration, job
from training.sources import sample

CUSTOMERS = 6_000


def main() -> None:
    print(f"recovery of the sample's behaviours, {CUSTOMERS:,} customers, ARI (1: all, 0: chance)")
    print("  seed   all features   RFM standardised + KMeans")
    for seed in (7, 8, 9):
        chosen = configuration.load("sample", assignments=[f"sample.customers={CUSTOMERS}", f"sample.seed={seed}"])
        result = job.make("sample", None, chosen, Settings(), created=clock.now())
        customers = result.snapshot.customers
        truth = sample.behaviours(CUSTOMERS, seed).loc[customers.index]
        rfm = StandardScaler().fit_transform(customers[["recency_days", "frequency", "monetary"]])
        plain = KMeans(5, n_init=10, random_state=0).fit_predict(rfm)
        ours, theirs = (adjusted_rand_score(truth, labels) for labels in (result.fitted.labels, plain))
        print(f"  {seed:4}   {ours:12.3f}   {theirs:25.3f}")


if __name__ == "__main__":
    main()
