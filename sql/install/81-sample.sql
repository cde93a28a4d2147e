--
-- A shop to play with.
--

CREATE PROCEDURE reco.sample_shop(
  schema pg_catalog.text DEFAULT 'shop',
  exports pg_catalog.bool DEFAULT false
)
AS 'MODULE_PATHNAME', 'reco_sample_shop'
LANGUAGE C;
COMMENT ON PROCEDURE reco.sample_shop IS
'makes a schema with a sample shop in it: products, customers, a year of order lines, reviews; with exports also invoices, events and a till';
