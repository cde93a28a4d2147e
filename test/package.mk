# What is handed out. Included by the top-level Makefile.
#
#   make dist            build/reco-X.Y.Z.zip for PGXN, of the last commit
#   make deb             Debian packages in build/deb, for the versions of PostgreSQL that there are
#   make check-package   both, lintian, and the Dockerfile, tried on bare Debian systems in folders
#
# The version is that of reco.control; debian/changelog has to begin with it.

.PHONY: dist deb check-package

dist:
	@test/package.sh dist $(EXTVERSION)

deb:
	@test/package.sh deb $(EXTVERSION)

check-package:
	@test/package.sh check $(EXTVERSION)
