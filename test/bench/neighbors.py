"""What neighbors.sh needs of implicit: all-pairs item cosine on table ratings.

usage: neighbors.py binary|valued THREADS TABLE    the TOP nearest of every item, each stage timed,
                                                   and how far the similarities in TABLE (item_id,
                                                   rank, similarity), of some items, are from them

Prints lines of a key and values.  Reads through psql, hence PG*.

Environment: TOP (100)
"""

import os
import resource
import sys

import numpy as np

from train import Stopwatch, copy_out, numbered, processor_seconds, tell

TOP = int(os.environ.get("TOP", 100))

PAIR = np.dtype([("columns", ">i2"), ("user_size", ">i4"), ("user", ">i4"),
                 ("item_size", ">i4"), ("item", ">i4")])
TRIPLE = np.dtype(PAIR.descr + [("value_size", ">i4"), ("value", ">f4")])
NEIGHBOR = np.dtype([("columns", ">i2"), ("item_size", ">i4"), ("item", ">i4"),
                     ("rank_size", ">i4"), ("rank", ">i4"),
                     ("similarity_size", ">i4"), ("similarity", ">f8")])


def read(valued):
    if valued:
        return copy_out("(SELECT user_id, item_id, value FROM ratings)", TRIPLE,
                        ["user", "item", "value"])
    users, items = copy_out("(SELECT user_id, item_id FROM ratings)", PAIR, ["user", "item"])
    return users, items, np.ones(len(users), np.float32)


def compare(model, item_ids, table):
    ids, ranks, similarities = copy_out(f"(SELECT item_id, rank, similarity FROM {table})",
                                        NEIGHBOR, ["item", "rank", "similarity"])
    number = {item: k for k, item in enumerate(item_ids.tolist())}
    worst = 0.0
    for item in np.unique(ids):
        of_item = ids == item
        mine = similarities[of_item][np.argsort(ranks[of_item])]
        row = model.similarity[number[item]]
        other = np.sort(row.data[row.indices != number[item]])[::-1][:TOP]
        if len(mine) != len(other):
            sys.exit(f"item {item} has {len(mine)} neighbors in reco and {len(other)} in implicit")
        if len(mine):
            worst = max(worst, np.max(np.abs(mine - other)))
    tell("difference", f"{worst:.1e}")


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("binary", "valued"):
        sys.exit(__doc__)
    from implicit.nearest_neighbours import CosineRecommender
    from scipy.sparse import csr_matrix

    watch = Stopwatch()
    users, items, values = read(sys.argv[1] == "valued")
    watch.lap("copy_out")
    user_ids, user = numbered(users)
    item_ids, item = numbered(items)
    matrix = csr_matrix((values, (user, item)), shape=(len(user_ids), len(item_ids)))
    del users, items, user, item, values
    watch.lap("csr")
    # an item is among its own nearest here
    model = CosineRecommender(K=TOP + 1, num_threads=int(sys.argv[2]))
    model.fit(matrix, show_progress=False)
    watch.lap("train")
    tell("cpu", f"{processor_seconds():.1f}")
    tell("memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    compare(model, item_ids, sys.argv[3])


if __name__ == "__main__":
    main()
