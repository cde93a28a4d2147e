# reco: recommendations inside PostgreSQL.
#
#   make                build            make demo        see it work
#   make install        install          make check-all   everything that tests it
#   make deb            Debian packages  make dist        the archive for PGXN
#   make installcheck   pg_regress and isolation tests against a running server
#   make check-unit     kernel unit tests under ASan and UBSan, no server needed
#
# PG_CONFIG chooses the server, OPENBLAS the library (a static serial build is
# preferred: it starts no thread in a backend and exports nothing).

EXTENSION = reco
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" reco.control)
MODULE_big = reco
PG_CONFIG ?= pg_config

# Bitcode would only serve to inline C functions into JIT code; none is small
# enough to gain from it.
override with_llvm := no

OBJS := $(patsubst %.c,%.o,$(filter-out src/core/%,$(wildcard src/*.c src/*/*.c src/*/*/*.c))) \
	build/model_sql.o
PG_CPPFLAGS = -I$(CURDIR)/src -DRECO_VERSION='"$(EXTVERSION)"'
# Neither the folder nor the time of a build is in what it makes.
SAME_ANYWHERE = -ffile-prefix-map=$(CURDIR)=.

PG_CFLAGS = -std=gnu11 -fvisibility=hidden $(SAME_ANYWHERE) -MMD -MP -Wno-declaration-after-statement $(EXTRA_CFLAGS)

DATA_built = sql/reco--$(EXTVERSION).sql

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/test_*.sql)))
REGRESS_OPTS = --inputdir=. --load-extension=reco --encoding=UTF8
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=reco

# The kernels: an archive of their own, built without the server's include path,
# so that the compiler itself keeps them free of PostgreSQL.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
OPENBLAS ?= $(firstword $(wildcard /usr/lib/$(MULTIARCH)/openblas-serial/libopenblas.a) -lopenblas)
OPENBLAS_INCLUDE ?= $(firstword $(wildcard /usr/include/$(MULTIARCH)/openblas-serial /usr/include/openblas))
CORE_LIBS := $(OPENBLAS) -Wl,--as-needed -lgfortran -lgomp -lpthread -lm

CORE = build/libreco_core.a
CORE_CFLAGS = -std=gnu11 -O3 -g -fPIC -fvisibility=hidden -fopenmp -fno-math-errno \
	-fno-trapping-math $(SAME_ANYWHERE) -MMD -MP -Wall -Wextra -Wno-psabi -Wmissing-prototypes -Wpointer-arith \
	-Isrc $(addprefix -I,$(OPENBLAS_INCLUDE)) $(EXTRA_CFLAGS)

# Sums come out the same wherever they are written, on machines too whose basic
# instructions multiply and add in one: that is for the files that say so in isa/.
PLAIN_FLAGS = -ffp-contract=off
ISA_FLAGS_pairs = $(PLAIN_FLAGS)
ISA_FLAGS_scale = $(PLAIN_FLAGS)

# Files under src/core/isa are compiled once per instruction set level;
# src/core/isa/isa.h gives each copy its names and the dispatcher chooses one at
# run time, so that one binary serves every machine of an architecture.
ISA_LEVELS := $(if $(filter x86_64%,$(MULTIARCH)),base v3 v4,base)
ISA_FLAGS_base =
ISA_FLAGS_v3 = -march=x86-64-v3
ISA_FLAGS_v4 = -march=x86-64-v4 -mprefer-vector-width=512

CORE_OBJS := $(patsubst src/core/%.c,build/core/%.o,\
		$(filter-out src/core/isa/%,$(wildcard src/core/*/*.c))) \
	$(foreach l,$(ISA_LEVELS),$(patsubst src/core/isa/%.c,build/core/isa/%.$(l).o,$(wildcard src/core/isa/*.c)))

# OpenBLAS calls one function of the kernels' (fortran.c), so they come twice.
SHLIB_LINK = $(CORE) -Wl,--exclude-libs,ALL $(OPENBLAS) $(CORE) $(CORE_LIBS)
EXTRA_CLEAN = build sql/reco--$(EXTVERSION).sql $(OBJS:.o=.d) results regression.diffs \
	regression.out output_iso tmp_check

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
include $(PGXS)

# the version is compiled in
$(OBJS): reco.control

shlib: $(CORE)
$(shlib): $(CORE)

$(CORE): $(CORE_OBJS)
	rm -f $@
	$(AR) crs $@ $^

build/core/%.o: src/core/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) $(PLAIN_FLAGS) -c -o $@ $<

define isa_rule
build/core/isa/%.$(1).o: src/core/isa/%.c Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(CORE_CFLAGS) $$(ISA_FLAGS_$(1)) $$(ISA_FLAGS_$$*) -DRECO_ISA=$(1) -c -o $$@ $$<
endef
$(foreach l,$(ISA_LEVELS),$(eval $(call isa_rule,$(l))))

sql/reco--$(EXTVERSION).sql: $(sort $(wildcard sql/install/*.sql)) reco.control
	cat $(filter %.sql,$^) > $@

# the SQL of a model's schema, and of the sample shop, in the library
build/model_sql.c: sql/model/embed.awk $(sort $(wildcard sql/model/*.sql sql/sample/*.sql))
	@mkdir -p $(@D)
	LC_ALL=C awk -f $^ > $@

include test/test.mk
include test/package.mk

-include $(OBJS:.o=.d) $(CORE_OBJS:.o=.d)
