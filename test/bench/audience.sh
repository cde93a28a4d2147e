#!/usr/bin/env bash
# The best users for an item among a million, when half of them are not to be told: by the
# arguments of audience(), and by joins with what it returns for all.
#
# usage: audience.sh
#
# With PGHOST set it uses that server, else a private one; see lib.sh.
#
# Environment:
#   BENCH_USERS   users (1000000)
#
# It prints milliseconds, the median of five, and judges nothing.
set -euo pipefail
BENCH_USERS=${BENCH_USERS:-1000000}
. "$(dirname "$0")/lib.sh"

export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning -c work_mem=64MB"

# Median milliseconds of a statement, after one that is not counted.
milliseconds() {
  { echo '\timing on'; for _ in 1 2 3 4 5 6; do echo "$1;"; done; } | psql -XqAt -v ON_ERROR_STOP=1 \
    | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 5 | sort -n | sed -n 3p
}

bench_setup
bench_reco || die 'extension reco is not installed'
psql -Xq -v ON_ERROR_STOP=1 <<SQL
CREATE TABLE aud_lines AS SELECT u, (hashint8(u * 100 + k)::bigint & 1023)::int AS i FROM generate_series(1, $BENCH_USERS) AS u, generate_series(1, 8) AS k;
CALL reco.create_model('aud', 'aud_lines', reco.ials(factors => 16, iterations => 2), options => reco.options(measure => false));
CREATE TABLE aud_out AS SELECT u FROM generate_series(1, $BENCH_USERS, 2) AS u;
CREATE TABLE aud_mails AS
SELECT u AS user_id, now() - (u % 30) * interval '1 day' - k * interval '1 hour' AS shown_at FROM generate_series(1, $BENCH_USERS) AS u, generate_series(1, 2) AS k;
ANALYZE;
SQL
while IFS='|' read -r what statement; do
  printf '%-40s%10s\n' "$what" "$(milliseconds "SELECT count(*) FROM $statement")"
done <<'EOT'
nobody left out|aud.audience(5, 500)
half, an array|aud.audience(5, 500, exclude_users => ARRAY(SELECT u FROM aud_out))
half, a join|(SELECT * FROM aud.audience(5, NULL) AS a WHERE NOT EXISTS (SELECT FROM aud_out AS o WHERE o.u = a.user_id) ORDER BY rank LIMIT 500) AS x
two mails in a week, a cap|aud.audience(5, 500, exposures => 'aud_mails', frequency_cap => 2, within => '7 days')
two mails in a week, a join|(SELECT a.* FROM aud.audience(5, NULL) AS a LEFT JOIN (SELECT user_id FROM aud_mails WHERE shown_at > now() - interval '7 days' GROUP BY 1 HAVING count(DISTINCT shown_at) >= 2) AS m USING (user_id) WHERE m.user_id IS NULL ORDER BY rank LIMIT 500) AS x
a hundred items|aud.audience(ARRAY(SELECT generate_series(1, 100)), 500)
EOT
psql -Xq -c "CALL reco.drop_model('aud')" -c 'DROP TABLE aud_lines, aud_out, aud_mails'
