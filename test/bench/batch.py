"""What batch.sh needs of implicit: the lists of all users from a model's factors, and back.

usage: batch.py THREADS N     the N best of every user of model bench but for what they have in
                              table ratings, found (find) and written to a table, a row a user
                              as reco writes them (copy); and the share of the items that are
                              in reco's lists, too (same)

Prints lines of a key and seconds.  Reads and writes through psql, hence PG*.
"""

import sys

import numpy as np

from neighbors import PAIR
from train import COPY_HEADER, COPY_TRAILER, FLOAT4_OID, Stopwatch, copy_in, copy_out, factor_row, tell

INT4_OID = 23


def array_of(n, element):
    return [("size", ">i4"), ("dimensions", ">i4"), ("has_nulls", ">i4"), ("type", ">i4"),
            ("length", ">i4"), ("lower_bound", ">i4"),
            ("element", [("size", ">i4"), ("value", element)], (n,))]


def list_row(n):
    return np.dtype([("columns", ">i2"), ("user_size", ">i4"), ("user", ">i4"),
                     ("items", array_of(n, ">i4")), ("scores", array_of(n, ">f4"))])


def fill(part, type_, values):
    n = values.shape[1]
    part["size"] = 20 + 8 * n
    part["dimensions"] = 1
    part["type"] = type_
    part["length"] = n
    part["lower_bound"] = 1
    part["element"]["size"] = 4
    part["element"]["value"] = values


def factors(view, key):
    ids, values = copy_out(f"(SELECT {key}, factors FROM bench.{view} ORDER BY 1)",
                           factor_row(64), ["id", "element"])
    return ids, np.ascontiguousarray(values)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    threads, n = int(sys.argv[1]), int(sys.argv[2])
    model = AlternatingLeastSquares(factors=64, num_threads=threads)
    user_ids, model.user_factors = factors("user_factors", "user_id")
    item_ids, model.item_factors = factors("item_factors", "item_id")
    users, items = copy_out("(SELECT user_id, item_id FROM ratings)", PAIR, ["user", "item"])
    seen = csr_matrix((np.ones(len(users), np.float32),
                       (np.searchsorted(user_ids, users), np.searchsorted(item_ids, items))),
                      shape=(len(user_ids), len(item_ids)))
    del users, items

    watch = Stopwatch()
    found, scores = model.recommend(np.arange(len(user_ids)), seen, N=n)
    watch.lap("find")
    rows = np.zeros(len(user_ids), list_row(n))
    rows["columns"] = 3
    rows["user_size"] = 4
    rows["user"] = user_ids
    fill(rows["items"], INT4_OID, item_ids[found])
    fill(rows["scores"], FLOAT4_OID, scores)
    copy_in("bench_lists", [COPY_HEADER, rows.data, COPY_TRAILER], "(FORMAT binary)")
    watch.lap("copy")

    users, items = copy_out("(SELECT user_id, item_id FROM bench.recommendations)", PAIR,
                            ["user", "item"])
    mine = np.repeat(user_ids.astype(np.int64), n) << 32 | item_ids[found].ravel()
    theirs = users.astype(np.int64) << 32 | items
    tell("same", f"{np.isin(mine, theirs).mean():.6f}")


if __name__ == "__main__":
    main()
