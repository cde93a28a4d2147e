"""K-means of reco beside scikit-learn's: seconds, inertia and silhouettes of the same rows.

usage: segments.py kmeans PROGRAM FILE|made-up THREADS K...
       segments.py silhouette FILE

FILE has a user a line: the segment, how many items the user has, then the vector, separated by
blanks.  See segments.sh.
"""
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")
SEEDS = range(5)


def rows_of(path):
    if path != "made-up":
        return np.ascontiguousarray(np.loadtxt(path)[:, 2:], dtype=np.float32)
    random = np.random.default_rng(1)
    center = random.normal(size=(40, 64))
    x = center[random.integers(40, size=138493)] + 1.5 * random.normal(size=(138493, 64))
    return np.ascontiguousarray(x / np.linalg.norm(x, axis=1)[:, None], dtype=np.float32)


def kmeans(program, path, threads, clusters):
    x = rows_of(path)
    with tempfile.NamedTemporaryFile() as file:
        file.write(x.tobytes())
        file.flush()
        for k in clusters:
            ours, theirs = [], []
            for seed in SEEDS:
                out = subprocess.run(
                    [program, file.name, str(len(x)), str(x.shape[1]), str(k), "1", str(seed), str(threads)],
                    capture_output=True, check=True, text=True).stdout.split()
                ours.append((float(out[0]), float(out[1]), int(out[2])))
                with threadpool_limits(threads):
                    start = time.perf_counter()
                    model = KMeans(k, n_init=1, max_iter=300, random_state=seed, copy_x=True).fit(x)
                    theirs.append((time.perf_counter() - start, model.inertia_, model.n_iter_))
            a, b = np.mean(ours, axis=0), np.mean(theirs, axis=0)
            print(f"{len(x)} x {x.shape[1]}, k {k}, threads {threads}: seconds {a[0]:.3f} to {b[0]:.3f} "
                  f"({b[0] / a[0]:.1f} x), iterations {a[2]:.0f} to {b[2]:.0f}, "
                  f"inertia {a[1]:.6g} to {b[1]:.6g} ({100 * (a[1] / b[1] - 1):+.2f} %)", flush=True)


def silhouette(path):
    table = np.loadtxt(path)
    segment, items, x = table[:, 0], table[:, 1], table[:, 2:]
    k = len(np.unique(segment))
    order = np.argsort(items, kind="stable")
    by_count = np.empty(len(x), dtype=int)
    by_count[order] = np.arange(len(x)) * k // len(x)
    # as k-means would cut the counts
    cut = KMeans(k, n_init=10, random_state=0).fit_predict(np.log(items)[:, None])
    print(f"{len(x)} users, {k} segments: silhouette {silhouette_score(x, segment):.3f}; "
          f"by count of purchases {silhouette_score(x, by_count):.3f} (of equal size), "
          f"{silhouette_score(x, cut):.3f} (k-means of its logarithm)")


if sys.argv[1] == "kmeans":
    kmeans(sys.argv[2], sys.argv[3], int(sys.argv[4]), [int(k) for k in sys.argv[5:]])
else:
    silhouette(sys.argv[2])
