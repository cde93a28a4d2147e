"""What svd.sh needs of scikit-learn: one TruncatedSVD of table ratings.

Prints seconds to read the rows into a matrix, to fit and to write (none: it writes nothing),
their sum, and the first and the last singular value.  Reads through psql, hence PG*.

Environment: FACTORS (100), N_ITER (5)
"""

import os
import time

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

from train import TRIPLE, copy_out, numbered


def main():
    start = time.perf_counter()
    users, items, values = copy_out("(SELECT user_id, item_id, value FROM ratings)", TRIPLE,
                                    ["user", "item", "value"])
    user_ids, user = numbered(users)
    item_ids, item = numbered(items)
    matrix = csr_matrix((values.astype(np.float32), (user, item)),
                        shape=(len(user_ids), len(item_ids)))
    read = time.perf_counter()
    model = TruncatedSVD(n_components=int(os.environ.get("FACTORS", 100)),
                         n_iter=int(os.environ.get("N_ITER", 5)), random_state=42)
    model.fit(matrix)
    fit = time.perf_counter()
    print(f"{read - start:.2f} {fit - read:.2f} - {fit - start:.2f}",
          f"{model.singular_values_[0]:.4f} {model.singular_values_[-1]:.4f}")


if __name__ == "__main__":
    main()
