--
-- Options that are left open: what was asked for stays with the model, what was chosen by the
-- data is what the version has.
--
SET client_min_messages = warning;

-- 40 users, 30 items, and some 200 interactions, of which the values are 1 to 3
CREATE TABLE def_lines AS
  SELECT u, i, 1 + (u + i) % 3 AS v FROM generate_series(1, 40) AS u, generate_series(1, 30) AS i
   WHERE (u * 7 + i * 5) % 6 = 0;

-- the formulas of doc/algorithms.md, on the rows
CREATE FUNCTION def_ials(lines text, weighted bool DEFAULT false, given_alpha float8 DEFAULT NULL,
                         OUT alpha numeric, OUT regularization numeric)
LANGUAGE plpgsql AS $$
DECLARE
  n float8; users float8; items float8; size float8; strength float8; lambda float8;
BEGIN
  EXECUTE format('SELECT count(*), count(DISTINCT u), count(DISTINCT i), avg(abs(v)) FROM %s', lines)
    INTO n, users, items, size;
  strength := coalesce(given_alpha * size, least(greatest(0.04 / (n / users / items), 4), 40));
  lambda := 1.12 * sqrt(1 + strength) * (sqrt(n / users) + sqrt(n / items));
  IF weighted THEN
    lambda := lambda / sqrt((items + strength * n / users) * (users + strength * n / items));
  END IF;
  alpha := coalesce(given_alpha, strength / size);
  regularization := lambda;
END $$;

CREATE FUNCTION def_close(a jsonb, b numeric) RETURNS bool LANGUAGE sql AS
  $$ SELECT abs(a::numeric - b) <= 0.0006 * b $$;

-- what was asked for, and what was chosen
CALL reco.create_model('def', 'SELECT u, i, v FROM def_lines', reco.ials(factors => 4, regularization => NULL, alpha => NULL));
SELECT reco.describe(algorithm) AS asked FROM def.model;
SELECT algorithm AS chosen FROM def.versions;
SELECT def_close(v.algorithm -> 'alpha', f.alpha) AS alpha, def_close(v.algorithm -> 'regularization', f.regularization) AS regularization
  FROM def.model_version AS v, def_ials('def_lines') AS f;

CALL reco.drop_model('def');
DROP FUNCTION def_close, def_ials;
DROP TABLE def_lines;
