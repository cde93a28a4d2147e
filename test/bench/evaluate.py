"""What evaluate.sh needs of implicit: its own ranking metrics, of its factors.

usage: evaluate.py QUERY THREADS...     hides a random fifth of the rows of a query of two int
                                        columns, user and item, trains 64 factors on the others,
                                        and takes ranking_metrics_at_k of ten places for the users
                                        with something hidden, RUNS times with each number of
                                        threads, on which it trains with the most

Prints "measure THREADS SECONDS", and "ndcg" with what was found.  Reads through psql, hence PG*.

Environment: RUNS (1); ITERATIONS of the training, which is not timed (3)
"""

import os
import sys
import time

import numpy as np

from neighbors import PAIR
from train import copy_out, numbered, tell


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.evaluation import ranking_metrics_at_k, train_test_split
    from scipy.sparse import coo_matrix

    threads = [int(n) for n in sys.argv[2:]]
    users, items = copy_out(f"({sys.argv[1]})", PAIR, ["user", "item"])
    _, user = numbered(users)
    _, item = numbered(items)
    matrix = coo_matrix((np.ones(len(user), np.float32), (user, item)))
    matrix.sum_duplicates()
    train, test = train_test_split(matrix, 0.8, random_state=42)
    del users, items, user, item, matrix
    model = AlternatingLeastSquares(factors=64, num_threads=max(threads), random_state=42,
                                    iterations=int(os.environ.get("ITERATIONS", 3)))
    model.fit(train, show_progress=False)
    for n in threads:
        model.num_threads = n
        for _ in range(int(os.environ.get("RUNS", 1))):
            start = time.perf_counter()
            found = ranking_metrics_at_k(model, train, test, K=10, show_progress=False, num_threads=n)
            tell("measure", n, f"{time.perf_counter() - start:.3f}")
    tell("ndcg", f"{found['ndcg']:.4f}")


if __name__ == "__main__":
    main()
