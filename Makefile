# pg_hashstash: make, make install, make installcheck; "make help" lists the rest.
EXTENSION  = pg_hashstash
MODULE_big = pg_hashstash
PGFILEDESC = "pg_hashstash - PostgreSQL remembers expensive answers"

# The folder of this file, so that builds outside the source tree (VPATH) work too.
top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

# Floors, lowest first: a unit may include only headers of units to its left.
UNITS = compat sink stream hash codec gzip filter frame filter_rows utf8 json json_read arrow_fb arrow arrow_array arrow_read arrow_file attempt shmem place catalog spi scan utility copy server_file query_parse query content typeio typeio_id typeio_value \
	hash_strategy frame_open image image_sample image_array image_row image_jsonb image_sent image_write image_read \
	image_read_row image_read_array \
	hash_datum hash_rows hash_table frame_datum json_value json_profile json_datum arrow_value arrow_column arrow_datum arrow_load \
	variant variant_order \
	store store_shard store_define store_entries store_statement store_used store_hint store_rw store_append store_sweep store_worker store_upsert store_write store_version store_many store_profile \
	track_change track track_note track_proof \
	memo_setting memo memo_reason memo_body memo_role memo_key memo_site memo_mention memo_ran memo_function memo_time memo_plan memo_compiled memo_replan memo_note memo_trace memo_plpgsql memo_names memo_allow memo_proof memo_proof_bytes memo_flight memo_cache memo_table memo_shared memo_stat memo_query memo_find memo_verify memo_rows memo_call memo_define memo_inspect memo_explain memo_args memo_run memo_map memo_map_items memo_progress memo_map_worker memo_map_lead memo_map_rows \
	export export_chunks export_estimate export_json export_arrow export_copy export_resume export_file import import_file import_copy import_jsonl import_arrow assemble assemble_read assemble_flatten assemble_column assemble_explode assemble_elements assemble_time assemble_infer assemble_view pg_hashstash
# Areas that have SQL, in the order in which the install script needs them.
AREAS = scan hash frame variant store track memo export import assemble

VERSION_   = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(top)/$(EXTENSION).control)
OBJS       = $(patsubst $(top)/%.c,%.o,$(wildcard $(UNITS:%=$(top)/src/%.c)))
DATA_built = $(EXTENSION)--$(VERSION_).sql
DATA       = $(patsubst $(top)/%,%,$(wildcard $(top)/src/upgrade/$(EXTENSION)--*.sql))
EXTRA_CLEAN = $(EXTENSION)--*.sql tmp_check output_iso log

# -O3: the loops over elements are the product; long hashes are the library's own kernels. No interposition: nobody puts
# functions in the place of ours, so that a unit may inline its own, and the linker binds calls between units.
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -O3 -fno-semantic-interposition $(WERROR)
PG_CPPFLAGS = -DSTASH_VERSION=$(VERSION_)
comma       = ,
SHLIB_LINK += -lxxhash -llz4 $(if $(filter linux,$(PORTNAME)),-Wl$(comma)-Bsymbolic)
# zstd where its header is; "make ZSTD=no" leaves it out.
ZSTD := $(shell $(CC) -E -include zstd.h -x c /dev/null >/dev/null 2>&1 && echo yes)
ifeq ($(ZSTD),yes)
PG_CPPFLAGS += -DSTASH_HAVE_ZSTD
SHLIB_LINK += -lzstd
endif
# zlib, for files named .gz, where its header is; "make ZLIB=no" leaves it out.
ZLIB := $(shell $(CC) -E -include zlib.h -x c /dev/null >/dev/null 2>&1 && echo yes)
ifeq ($(ZLIB),yes)
PG_CPPFLAGS += -DSTASH_HAVE_ZLIB
SHLIB_LINK += -lz
endif

# ":=" because PGXS runs a kind of test when its variable has a text, even one that expands to nothing
tests       = $(sort $(notdir $(basename $(wildcard $(1)))))
REGRESS    := $(foreach a,$(AREAS),$(call tests,$(top)/sql/$a.sql $(top)/sql/$a_*.sql)) install
ISOLATION  := $(call tests,$(top)/test/isolation/specs/*.spec)
PROVE_TESTS = $(wildcard $(top)/test/tap/*.pl)
TAP_TESTS  := $(if $(PROVE_TESTS),1)
REGRESS_OPTS   = --inputdir=$(top) --load-extension=$(EXTENSION)
ISOLATION_OPTS = --inputdir=$(top)/test/isolation --load-extension=$(EXTENSION)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
$(shell mkdir -p src)
include $(PGXS)

$(OBJS) $(OBJS:.o=.bc): $(wildcard $(top)/src/*.h)

$(DATA_built): $(foreach s,schema $(AREAS),$(wildcard $(top)/src/$s.sql)) $(top)/$(EXTENSION).control
	for f in $(filter %.sql,$^); do echo "-- from src/$${f##*/}"; cat $$f; echo; done > $@

for_scripts = CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' UNITS='$(UNITS)' REGRESS='$(REGRESS)' LIBRARY='$(CURDIR)/$(shlib)' PG_CONFIG='$(PG_CONFIG)'

help: ## this list
	@echo 'make, make install, make installcheck (needs a running server), make clean: as in every extension'
	@sed -n 's/^\([a-z -]*\):.*## /make \1: /p' $(top)/Makefile

test: ## all fast tests in a throw-away cluster; test/README.md tells more
	bash $(top)/test/run.sh

unit: ## the bytes floor outside the server, with sanitizers
	@$(for_scripts) bash $(top)/test/unit/run.sh

lint: all ## floors, headers, symbols, sizes, layout
	@$(for_scripts) bash $(top)/test/lint/run.sh

indent: ## lay out the C code as PostgreSQL does
	@$(for_scripts) bash $(top)/test/lint/indent.sh write

image image-install image-clean: ## the optional extension for hashes of images; needs libraries, see image/README.md
	@$(MAKE) -C $(top)/image $(patsubst image-%,%,$(@:image=all)) PG_CONFIG='$(PG_CONFIG)'
clean: image-clean

check-bare: ## both entry commands in a bare Debian chroot; root, some minutes
	bash $(top)/test/bare.sh

check-majors: ## the same with PostgreSQL 15, 17, 18 and 19
	for suite in bookworm trixie forky experimental; do bash $(top)/test/bare.sh $$suite || exit 1; done

check-fuzz: ## ten minutes of hostile bytes for the bytes floor; clang finds most
	@PG_CONFIG='$(PG_CONFIG)' CC='$(CC)' bash $(top)/test/fuzz/run.sh 600

check-mutants: ## the random oracle of memoized functions notices each clause of their proof that is taken out; some minutes
	bash $(top)/test/mutate.sh

check-regressdb: ## every row of PostgreSQL's own regression database through frames and variants; some ten minutes
	bash $(top)/test/regressdb.sh $(TREE)

check-sanitize: ## the regression tests and 100,000 hostile frames and Arrow streams with address and undefined-behaviour checks, in a newer Debian
	bash $(top)/test/bare.sh trixie bash test/sanitize.sh

.PHONY: help test unit lint indent image image-install image-clean check-bare check-majors check-fuzz check-mutants check-regressdb check-sanitize
