# Tests that need no running server, and the commands that set one up.
# Included by the top-level Makefile.
#
#   make demo [RATINGS=ratings.csv] [STAY=1]    see it work
#   make check-all       every suite, built anew with warnings as errors
#   make check-layers    one suite: whether the rooms of the code are as doc/design.md says
#   make check-unit      ... kernels under ASan and UBSan, and as they are shipped
#   make check-fuzz      ... the fuzz targets on their corpora, likewise
#   make check-regress   ... pg_regress against a private server
#   make check-isolation ... the isolation tests, likewise
#   make check-docs      ... every block of SQL in the documentation, and what it prints
#   make check-tap       ... the TAP tests in test/t
#   make check-citus     ... trainings on tables of Citus, where that is installed; not in check-all
#   make fuzz TARGET=name [MAX_TIME=60]    look for new inputs with clang's libFuzzer
#   make bench [PEERS=1] figures at growing sizes, in one table; minutes, on an idle machine
#   make clean-room      demo and check-all on a bare Debian system in a folder
#   make check-pg17      check-all with PostgreSQL 17, on Debian 13 in a folder
#   make check-upgrade   pg_upgrade from PostgreSQL 15 to 17, in the same folder
#   make setup           install the Debian packages that all of this needs

CHECKS = check-layers check-unit check-fuzz check-regress check-isolation check-docs check-tap check-citus
.PHONY: setup demo check-all $(CHECKS) unit-tests shipped-tests fuzz-tests fuzz clean-room check-pg17 check-upgrade bench

setup:
	@test/setup.sh

demo:
	@test/demo/demo.sh

check-all:
	@test/check-all.sh

$(CHECKS):
	@test/check-all.sh $(@:check-%=%)

clean-room:
	@test/clean-room.sh

check-pg17:
	@test/clean-room.sh --suite trixie 'make check-all'

bench:
	@PG_CONFIG=$(PG_CONFIG) test/bench/bench.sh

build/bench/limits: test/bench/limits.c
	@mkdir -p $(@D)
	$(CC) -O3 -fopenmp -Wall -Wextra $(addprefix -I,$(OPENBLAS_INCLUDE)) -o $@ $< $(CORE_LIBS)

check-upgrade:
	@test/clean-room.sh --once --suite trixie 'test/pg-upgrade.sh --debian'

# The kernels once more, under sanitizers, at every instruction set level.
SAN = -O1 -fno-omit-frame-pointer -Wno-psabi -fsanitize=address,undefined -fno-sanitize-recover=undefined
SAN_CFLAGS = $(filter-out -O3,$(CORE_CFLAGS)) $(SAN)
SAN_OBJS = $(CORE_OBJS:build/core/%=build/san/%)

build/san/%.o: src/core/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(PLAIN_FLAGS) -c -o $@ $<

define san_isa_rule
build/san/isa/%.$(1).o: src/core/isa/%.c Makefile test/test.mk
	@mkdir -p $$(@D)
	$$(CC) $$(SAN_CFLAGS) $$(ISA_FLAGS_$(1)) $$(ISA_FLAGS_$$*) -DRECO_ISA=$(1) -c -o $$@ $$<
endef
$(foreach l,$(ISA_LEVELS),$(eval $(call san_isa_rule,$(l))))

# Unit tests: test_X.c is a program; the other files there are slow and obvious
# mimics of the kernels and other helpers, linked into each.
UNIT_TESTS := $(patsubst test/unit/%.c,build/unit/%,$(sort $(wildcard test/unit/test_*.c)))
UNIT_HELPERS := $(patsubst test/unit/%.c,build/unit/%.o,\
	$(filter-out test/unit/test_%,$(wildcard test/unit/*.c)))

build/unit/%.o: test/unit/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wmissing-prototypes,$(SAN_CFLAGS)) -Itest/unit -c -o $@ $<

# Programs of tests are linked with the shared library beside a static one, where there is such:
# in a fifth of the time.
comma := ,
SHARED_BLAS := $(wildcard $(patsubst %.a,%.so,$(filter %.a,$(OPENBLAS))))
TEST_LIBS := $(if $(SHARED_BLAS),$(SHARED_BLAS) -Wl$(comma)-rpath$(comma)$(dir $(SHARED_BLAS)) \
	$(filter-out $(OPENBLAS),$(CORE_LIBS)),$(CORE_LIBS))

$(UNIT_TESTS): %: %.o $(UNIT_HELPERS) $(SAN_OBJS)
	$(CC) $(SAN) -fopenmp -o $@ $^ -lcmocka $(TEST_LIBS)

# The same programs with the kernels as they are shipped.
SHIPPED_TESTS := $(UNIT_TESTS:build/unit/%=build/shipped/%)
SHIPPED_CFLAGS = $(filter-out -O3 -Wmissing-prototypes,$(CORE_CFLAGS)) -O1 -Itest/unit

build/shipped/%.o: test/unit/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(SHIPPED_CFLAGS) -c -o $@ $<

$(SHIPPED_TESTS): %: %.o $(UNIT_HELPERS:build/unit/%=build/shipped/%) $(CORE_OBJS)
	$(CC) -fopenmp -o $@ $^ -lcmocka $(TEST_LIBS)

# Fuzz targets: a file with LLVMFuzzerTestOneInput each, and what was found
# before in corpus/NAME, which replay.c feeds to it.
FUZZ_NAMES := $(patsubst test/fuzz/%.c,%,$(filter-out %/replay.c,$(sort $(wildcard test/fuzz/*.c))))
FUZZ_TESTS := $(addprefix build/fuzz/,$(FUZZ_NAMES))

build/fuzz/%.o: test/fuzz/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wmissing-prototypes,$(SAN_CFLAGS)) -Itest/fuzz -c -o $@ $<

# Targets that run files of the extension need a server's headers, and in place of
# the server the few functions of test/fuzz/server.
SERVER_FUZZ = states arrays image
SERVER_SOURCES := test/fuzz/server/server.c src/pg/env.c \
	$(addprefix src/similarity/,states.c aggregates.c vector_agg.c topn_agg.c als_agg.c als_state.c arrays.c vector.c sets.c) \
	src/store/ids/ident.c src/store/ids/dict.c src/store/ids/dict_frozen.c src/store/image/image_files.c \
	src/store/image/sections.c src/model/part.c
SERVER_INCLUDE = -I$(shell $(PG_CONFIG) --includedir-server) -D_GNU_SOURCE -DRECO_NO_FAULTS -Itest/fuzz \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-prototypes
SERVER_LIBS = -L$(shell $(PG_CONFIG) --pkglibdir) -L$(shell $(PG_CONFIG) --libdir) -lpgcommon -lpgport
# what no input may reach is not there
SERVER_LINK = -no-pie -Wl,--unresolved-symbols=ignore-all -Wl,-z,lazy

SERVER_OBJS := $(SERVER_SOURCES:%.c=build/fuzz/%.o)

$(SERVER_OBJS): build/fuzz/%.o: %.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(SERVER_INCLUDE) -c -o $@ $<

$(SERVER_FUZZ:%=build/fuzz/%.o): build/fuzz/%.o: test/fuzz/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(SERVER_INCLUDE) -c -o $@ $<

$(SERVER_FUZZ:%=build/fuzz/%): %: %.o build/fuzz/replay.o $(SERVER_OBJS) $(SAN_OBJS)
	$(CC) $(SAN) -fopenmp $(SERVER_LINK) -o $@ $^ $(SERVER_LIBS) $(TEST_LIBS)

$(filter-out $(SERVER_FUZZ:%=build/fuzz/%),$(FUZZ_TESTS)): %: %.o build/fuzz/replay.o $(SAN_OBJS)
	$(CC) $(SAN) -fopenmp -o $@ $^ $(TEST_LIBS)

shipped-tests: $(SHIPPED_TESTS)
unit-tests: $(UNIT_TESTS) shipped-tests
fuzz-tests: $(FUZZ_TESTS)

# New inputs go to build/corpus; those worth keeping are copied to test/fuzz/corpus by hand.
CLANG ?= clang
MAX_TIME ?= 60
FUZZ_CFLAGS = -std=gnu11 -g -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -Isrc $(addprefix -I,$(OPENBLAS_INCLUDE))
FUZZ_INCLUDE = $(SERVER_INCLUDE) -Wno-ignored-attributes
FUZZ_SERVER := $(SERVER_SOURCES:%.c=build/clang/%.o)
FUZZ_GCC = -std=gnu11 -g -O1 -Wno-psabi -fsanitize=address -Isrc $(addprefix -I,$(OPENBLAS_INCLUDE))

# The kernels per instruction set level use vector built-ins of gcc's: gcc compiles
# them, under ASan too, and the fuzzer is guided by the branches of all else.
FUZZ_CORE := $(filter-out %/dispatch.c src/core/isa/%,$(wildcard src/core/*/*.c))
FUZZ_ISA := $(wildcard src/core/isa/*.c)
FUZZ_OBJS := build/clang/dispatch.o $(FUZZ_CORE:src/core/%.c=build/clang/%.o) \
	$(foreach l,$(ISA_LEVELS),$(FUZZ_ISA:src/core/isa/%.c=build/clang/isa/%.$(l).o))

build/clang/dispatch.o: src/core/base/dispatch.c
	@mkdir -p $(@D)
	$(CC) $(FUZZ_GCC) -c -o $@ $<

build/clang/%.o: src/core/%.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<

build/clang/target-%.o: test/fuzz/%.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) $(if $(filter $*,$(SERVER_FUZZ)),$(FUZZ_INCLUDE)) -c -o $@ $<

$(FUZZ_SERVER): build/clang/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) $(FUZZ_INCLUDE) -c -o $@ $<

define fuzz_isa_rule
build/clang/isa/%.$(1).o: src/core/isa/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(FUZZ_GCC) $$(ISA_FLAGS_$(1)) -DRECO_ISA=$(1) -c -o $$@ $$<
endef
$(foreach l,$(ISA_LEVELS),$(eval $(call fuzz_isa_rule,$(l))))

$(SERVER_FUZZ:%=build/clang/fuzz-%): build/clang/fuzz-%: build/clang/target-%.o $(FUZZ_SERVER) $(FUZZ_OBJS)
	$(CLANG) -fsanitize=fuzzer,address,undefined $(SERVER_LINK) -o $@ $^ $(SERVER_LIBS) $(CORE_LIBS)

build/clang/fuzz-%: build/clang/target-%.o $(FUZZ_OBJS)
	$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(CORE_LIBS)

fuzz:
	@test -n '$(filter $(TARGET),$(FUZZ_NAMES))' || { echo 'TARGET is one of: $(FUZZ_NAMES)'; exit 1; }
	@test/setup.sh fuzz
	@rm -rf build/clang && mkdir -p build/corpus/$(TARGET)
	@$(MAKE) -s build/clang/fuzz-$(TARGET)
	build/clang/fuzz-$(TARGET) -max_total_time=$(MAX_TIME) -artifact_prefix=build/corpus/ \
	  build/corpus/$(TARGET) $(wildcard test/fuzz/corpus/$(TARGET) test/fuzz/corpus/$(TARGET:fuzz_%=%))

-include $(SAN_OBJS:.o=.d) $(SERVER_OBJS:.o=.d) $(wildcard build/unit/*.d build/shipped/*.d build/fuzz/*.d)
.SECONDARY: $(UNIT_TESTS:=.o) $(SHIPPED_TESTS:=.o) $(FUZZ_TESTS:=.o)
