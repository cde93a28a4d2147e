"""What bpr.sh needs of implicit: BayesianPersonalizedRanking on table ratings.

Prints seconds of fit.  Reads through psql, hence PG*.

Environment: FACTORS (64), ITERATIONS (3), THREADS (1)
"""

import os
import time

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking
from scipy.sparse import csr_matrix

from train import TRIPLE, copy_out, numbered


def main():
    users, items, values = copy_out("(SELECT user_id, item_id, value FROM ratings)", TRIPLE,
                                    ["user", "item", "value"])
    user_ids, user = numbered(users)
    item_ids, item = numbered(items)
    matrix = csr_matrix((np.ones(len(values), dtype=np.float32), (user, item)),
                        shape=(len(user_ids), len(item_ids)))
    iterations = int(os.environ.get("ITERATIONS", 3))
    model = BayesianPersonalizedRanking(factors=int(os.environ.get("FACTORS", 64)),
                                        iterations=iterations, num_threads=int(os.environ.get("THREADS", 1)),
                                        verify_negative_samples=True, random_state=42)
    start = time.perf_counter()
    model.fit(matrix, show_progress=False)
    seconds = time.perf_counter() - start
    print(f"{seconds:.2f}")


if __name__ == "__main__":
    main()
