# pg_hashstash: make, make install, make installcheck; "make help" lists the rest.
EXTENSION  = pg_hashstash
MODULE_big = pg_hashstash
PGFILEDESC = "pg_hashstash - PostgreSQL remembers expensive answers"

# The folder of this file, so that builds outside the source tree (VPATH) work too.
top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

# Floors, lowest first: a unit may include only headers of units to its left.
UNITS = compat sink hash codec frame json catalog spi typeio typeio_id \
	image image_write image_read hash_datum frame_datum json_datum variant store store_rw \
	memo_body memo_key memo_cache memo_set memo memo_define \
	export export_json assemble assemble_flatten assemble_column pg_hashstash
# Areas that have SQL, in the order in which the install script needs them.
AREAS = hash frame variant store memo export assemble

VERSION_   = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(top)/$(EXTENSION).control)
OBJS       = $(patsubst $(top)/%.c,%.o,$(wildcard $(UNITS:%=$(top)/src/%.c)))
DATA_built = $(EXTENSION)--$(VERSION_).sql
DATA       = $(patsubst $(top)/%,%,$(wildcard $(top)/src/upgrade/$(EXTENSION)--*.sql))
EXTRA_CLEAN = $(EXTENSION)--*.sql tmp_check output_iso log

# -O3: the loops over elements are the product; long hashes are the library's own kernels.
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -O3 $(WERROR)
SHLIB_LINK += -lxxhash -llz4

tests      = $(sort $(notdir $(basename $(wildcard $(1)))))
REGRESS    = $(foreach a,$(AREAS),$(call tests,$(top)/sql/$a.sql $(top)/sql/$a_*.sql)) install
REGRESS_OPTS   = --inputdir=$(top)
ISOLATION      = $(call tests,$(top)/test/isolation/specs/*.spec)
ISOLATION_OPTS = --inputdir=$(top)/test/isolation --load-extension=$(EXTENSION)
TAP_TESTS      = 1
PROVE_TESTS    = $(wildcard $(top)/test/tap/*.pl)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
$(shell mkdir -p src)
include $(PGXS)

$(OBJS): $(wildcard $(top)/src/*.h)

$(DATA_built): $(foreach s,schema $(AREAS),$(wildcard $(top)/src/$s.sql)) $(top)/$(EXTENSION).control
	for f in $(filter %.sql,$^); do echo "-- from src/$${f##*/}"; cat $$f; echo; done > $@
