#!/usr/bin/env python3
"""The peer of slim.sh: scikit-learn's coordinate descent on the Gram matrix.

usage: slim.py ROWS WEIGHTS L1 L2 POSITIVE ITEMS

ROWS has user, item; WEIGHTS item, neighbor, weight of reco.slim(), all separated by tabs.  Makes the
Gram matrix once (scipy, then dense in float8), solves ITEMS items, evenly chosen, by
enet_coordinate_descent_gram with ElasticNet's own tolerance, on one thread, and prints the seconds
that all items would take, and the mean of the objectives of both on those items.
"""
import sys
import time

import numpy as np
import scipy.sparse as sparse
from sklearn.linear_model import _cd_fast as cd

rows_file, weights_file, l1, l2, positive, sample = sys.argv[1:]
l1, l2, positive, sample = float(l1), float(l2), positive == "true", int(sample)

rows = np.loadtxt(rows_file, dtype=np.int64, delimiter="\t")
users, user = np.unique(rows[:, 0], return_inverse=True)
items, item = np.unique(rows[:, 1], return_inverse=True)
start = time.perf_counter()
x = sparse.csr_matrix((np.ones(len(rows)), (user, item)), shape=(len(users), len(items)))
gram = np.asarray((x.T @ x).todense(), order="C")
made = time.perf_counter() - start

chosen = np.linspace(0, len(items) - 1, min(sample, len(items))).astype(int)
peer = np.zeros((len(chosen), len(items)))
rng = np.random.RandomState(0)
start = time.perf_counter()
for k, j in enumerate(chosen):
    own = gram[j, j]
    q = gram[j].copy()
    q[j] = 0
    gram[j, j] = 0  # its weight is left out
    y = np.sqrt(own) * np.ones(1)  # all that is asked of it is its norm
    cd.enet_coordinate_descent_gram(
        peer[k], l1, l2, gram, q, y, 1000, 1e-4, rng, False, positive
    )
    gram[j, j] = own
solved = (time.perf_counter() - start) / len(chosen) * len(items)

weights = np.loadtxt(weights_file, delimiter="\t")
reco = sparse.csr_matrix(
    (
        weights[:, 2],
        (np.searchsorted(items, weights[:, 0]), np.searchsorted(items, weights[:, 1])),
    ),
    shape=gram.shape,
)[chosen].toarray()


def objective(w):
    pull = (w * (w @ gram)).sum(1) / 2 - (w * gram[chosen]).sum(1)
    return (pull + l2 / 2 * (w * w).sum(1) + l1 * abs(w).sum(1)).mean()


print(f"scikit-learn: Gram matrix {made:.2f} s, all items {solved:.1f} s (from {len(chosen)})")
print(f"mean objective: scikit-learn {objective(peer):.6f}, reco {objective(reco):.6f}")
print(f"weights an item: scikit-learn {(peer != 0).sum(1).mean():.1f}, reco {(reco != 0).sum(1).mean():.1f}")
