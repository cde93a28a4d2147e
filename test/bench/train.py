"""What train.sh needs of numpy.

usage: train.py fit THREADS         train implicit's ALS on table ratings, timing each stage
       train.py curve THREADS       its loss after every iteration
       train.py loss USERS ITEMS    the loss of the factors in two tables, views or (queries),
                                    each with its id in the first column, factors real[] in
                                    the second

Prints lines of a key and values.  Reads and writes through psql, hence PG*.  The objective
is the one of Hu, Koren and Volinsky with c = 1 + alpha * abs(value):

    sum over all users and items of c (p - x.y)^2 + regularization (|x|^2 + |y|^2)

implicit takes what it is given for c itself, so it is given 1 + alpha * value, and its own
alpha stays 1; both then minimize the same function.

Environment: FACTORS (64), ITERATIONS (15), ALPHA (1), REGULARIZATION (0.01)
"""

import hashlib
import os
import resource
import subprocess
import sys
import time

import numpy as np

FACTORS = int(os.environ.get("FACTORS", 64))
ITERATIONS = int(os.environ.get("ITERATIONS", 15))
ALPHA = float(os.environ.get("ALPHA", 1))
REGULARIZATION = float(os.environ.get("REGULARIZATION", 0.01))

PSQL = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c"]
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
FLOAT4_OID = 700

# One row of a binary COPY without NULLs, (int4, int4, float4) and (int4, float4[])
TRIPLE = np.dtype(
    [("columns", ">i2")]
    + [(f"{name}{part}", type_) for name, t in (("user", ">i4"), ("item", ">i4"), ("value", ">f4"))
       for part, type_ in (("_size", ">i4"), ("", t))]
)


def factor_row(factors):
    return np.dtype(
        [("columns", ">i2"), ("id_size", ">i4"), ("id", ">i4"), ("array_size", ">i4"),
         ("dimensions", ">i4"), ("has_nulls", ">i4"), ("type", ">i4"), ("length", ">i4"),
         ("lower_bound", ">i4"), ("element", [("size", ">i4"), ("value", ">f4")], (factors,))]
    )


def tell(key, *values):
    print(key, *values, flush=True)


class Stopwatch:
    def __init__(self):
        self.start = time.perf_counter()

    def lap(self, key):
        now = time.perf_counter()
        tell(key, f"{now - self.start:.3f}")
        self.start = now


def copy_out(source, dtype, columns):
    """Columns of COPY source TO STDOUT as arrays, converted while the rows arrive."""
    psql = subprocess.Popen(PSQL + [f"COPY {source} TO STDOUT (FORMAT binary)"],
                            stdout=subprocess.PIPE, bufsize=1 << 20)
    header = psql.stdout.read(len(COPY_HEADER))
    if header != COPY_HEADER:
        sys.exit("no binary COPY from psql")
    parts = {name: [] for name in columns}
    rest = b""
    while True:
        block = psql.stdout.read(dtype.itemsize * max(1, (1 << 20) // dtype.itemsize))
        rows = np.frombuffer(block, dtype, len(block) // dtype.itemsize)
        for name, part in parts.items():
            value = rows[name]["value"] if name == "element" else rows[name]
            part.append(value.astype(value.dtype.newbyteorder("=")))
        rest = block[rows.nbytes:]
        if rest:
            break
    if psql.wait() != 0 or rest != COPY_TRAILER:
        sys.exit("unexpected rows in a binary COPY (other types, or NULLs?)")
    return [np.concatenate(parts.pop(name)) for name in columns]


def copy_in(target, blocks, options):
    psql = subprocess.Popen(PSQL + [f"COPY {target} FROM STDIN {options}"], stdin=subprocess.PIPE)
    for block in blocks:
        psql.stdin.write(block)
    psql.stdin.close()
    if psql.wait() != 0:
        sys.exit("COPY FROM failed")


def binary_blocks(ids, factors):
    rows = np.zeros(len(ids), factor_row(factors.shape[1]))
    rows["columns"] = 2
    rows["id_size"] = 4
    rows["id"] = ids
    rows["array_size"] = 20 + 8 * factors.shape[1]
    rows["dimensions"] = 1
    rows["type"] = FLOAT4_OID
    rows["length"] = factors.shape[1]
    rows["lower_bound"] = 1
    rows["element"]["size"] = 4
    rows["element"]["value"] = factors
    return [COPY_HEADER, rows.data, COPY_TRAILER]


def text_blocks(ids, factors):
    form = "%d\t{" + ",".join(["%.9g"] * factors.shape[1]) + "}\n"
    for start in range(0, len(ids), 1000):
        yield "".join(
            form % (i, *row) for i, row in
            zip(ids[start:start + 1000].tolist(), factors[start:start + 1000].tolist())
        ).encode()


def numbered(ids):
    """The distinct ids in order, and the number of each one among them."""
    present = np.bincount(ids) > 0
    number = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(present), number[ids]


def confidence_matrix(users, items, values):
    from scipy.sparse import csr_matrix

    user_ids, user = numbered(users)
    item_ids, item = numbered(items)
    matrix = csr_matrix((1 + np.float32(ALPHA) * values, (user, item)),
                        shape=(len(user_ids), len(item_ids)))
    return user_ids, item_ids, matrix


def read_ratings():
    return copy_out("(SELECT user_id, item_id, value FROM ratings)", TRIPLE,
                    ["user", "item", "value"])


def peer(threads):
    from implicit.cpu.als import AlternatingLeastSquares

    return AlternatingLeastSquares(factors=FACTORS, regularization=REGULARIZATION, alpha=1.0,
                                   iterations=ITERATIONS, num_threads=threads, random_state=42)


def fit(threads):
    watch = Stopwatch()
    triples = read_ratings()
    watch.lap("copy_out")
    user_ids, item_ids, matrix = confidence_matrix(*triples)
    del triples
    watch.lap("csr")
    model = peer(threads)
    model.fit(matrix, show_progress=False)
    watch.lap("train")
    tell("memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    for key, form, options in (("write", binary_blocks, "(FORMAT binary)"),
                               ("write_text", text_blocks, "")):
        create = "".join(
            f"DROP TABLE IF EXISTS bench_peer_{side};"
            f"CREATE TABLE bench_peer_{side}({side}_id int PRIMARY KEY, factors real[]);"
            for side in ("user", "item"))
        subprocess.run(PSQL + ["SET client_min_messages = warning;" + create], check=True)
        watch = Stopwatch()
        copy_in("bench_peer_user", form(user_ids, model.user_factors), options)
        copy_in("bench_peer_item", form(item_ids, model.item_factors), options)
        watch.lap(key)
        if key == "write":
            tell("cpu", f"{processor_seconds():.0f}")


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def curve(threads):
    from implicit.cpu.als import calculate_loss

    _, _, matrix = confidence_matrix(*read_ratings())
    # calculate_loss gives a mean over the confidence of all cells
    cells = matrix.data.sum(dtype=np.float64) + matrix.shape[0] * matrix.shape[1] - matrix.nnz
    losses = []
    model = peer(threads)
    model.fit(matrix, show_progress=False,
              callback=lambda *_: losses.append(cells * calculate_loss(
                  matrix, model.user_factors, model.item_factors, REGULARIZATION, threads)))
    tell("loss", *(f"{loss:.1f}" for loss in losses))


def read_factors(source):
    ids, factors = copy_out(source, factor_row(FACTORS), ["id", "element"])
    order = np.argsort(ids, kind="stable")
    return ids[order], factors[order]


def positions(ids, wanted, what):
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    if not np.array_equal(ids[at], wanted):
        sys.exit(f"a {what} of the ratings has no factors")
    return at


def loss(user_source, item_source):
    users, items, values = read_ratings()
    user_ids, x = read_factors(user_source)
    item_ids, y = read_factors(item_source)
    digest = hashlib.md5(user_ids.tobytes() + x.tobytes() + item_ids.tobytes() + y.tobytes())
    order = np.argsort(users, kind="stable")
    x = x.astype(np.float64)
    y = y.astype(np.float64)
    total = np.vdot(x.T @ x, y.T @ y)
    total += REGULARIZATION * (np.vdot(x, x) + np.vdot(y, y))
    for start in range(0, len(order), 100000):
        block = order[start:start + 100000]
        score = np.einsum("ij,ij->i", x[positions(user_ids, users[block], "user")],
                          y[positions(item_ids, items[block], "item")])
        value = values[block].astype(np.float64)
        total += np.sum((1 + ALPHA * np.abs(value)) * ((value > 0) - score) ** 2 - score ** 2)
    tell("loss", f"{total:.1f}")
    tell("bits", digest.hexdigest())


def main():
    command = {"fit": lambda: fit(int(sys.argv[2])), "curve": lambda: curve(int(sys.argv[2])),
               "loss": lambda: loss(sys.argv[2], sys.argv[3])}.get("".join(sys.argv[1:2]))
    if command is None:
        sys.exit(__doc__)
    command()


if __name__ == "__main__":
    main()
