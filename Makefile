# t5g: T5Gemma 2 in a Unix shell.  `make help` lists the targets.
#
# Variables a user may set: CC CFLAGS LDFLAGS PREFIX DESTDIR; V=release|asan|tsan|fuzz (build folder).

PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
V       ?= release
B        = build/$(V)

# Debian packages: what the build and the demo need, and what the tests need besides.
DEPS       = gcc make pkg-config libarchive-dev zlib1g-dev libcjson-dev libxxhash-dev libstb-dev
DEPS_CHECK = libcmocka-dev bats perl mandoc procps python3-numpy pango1.0-tools fonts-dejavu-core netpbm \
             libarchive-tools zstd dpkg-dev

# Of stb the header alone is used; libarchive and zlib are loaded when a packed file is met (common/archive/library.h).
PKGS     = libcjson libxxhash
PKGS_H   = stb libarchive zlib
# Recursive on purpose: pkg-config runs when something is built, not for `make help` or `make deps`.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) $(PKGS_H))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual \
       -Wvla -Wformat=2 -Wundef
HARDEN = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
SAN_release = $(HARDEN)
SAN_asan = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan = -fsanitize=thread
SAN_fuzz = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -ffp-contract=off $(WARN) $(SAN_$(V)) -Icommon -MMD -MP \
             $(PKG_CFLAGS) $(CFLAGS)
LD_release = -pie -Wl,-z,relro,-z,now
ALL_LDFLAGS = $(SAN_$(V)) $(LD_$(V)) $(LDFLAGS)
LIBS = $(PKG_LIBS) -lpthread -lm

# Kernel files of an instruction set: each has its own flags and exists on its own machine only.
MACHINE := $(shell $(CC) -dumpmachine)
V3_SRC   = common/kernels/v3.c common/kernels/v3quant.c
V4_SRC   = common/kernels/v4.c common/kernels/v4quant.c common/kernels/v4bf16.c
NEON_SRC = $(addprefix common/kernels/,neon.c neongemm.c neonquant.c neondot.c neonbf16.c)
ISA_SRC  = $(V3_SRC) $(V4_SRC) $(NEON_SRC)
ifneq ($(filter x86_64-%,$(MACHINE)),)
KERNELS_ISA = $(V3_SRC) $(V4_SRC)
else ifneq ($(filter aarch64-%,$(MACHINE)),)
KERNELS_ISA = $(NEON_SRC)
endif
$(V3_SRC:%.c=$(B)/%.o): ISA = -mavx2 -mfma -mf16c
accepted = $(shell $(CC) -Werror $(1) -E -x c /dev/null > /dev/null 2>&1 && echo $(1))
# gcc moves the sums of this tile from register to register unless it leaves its loop as it is.
$(B)/common/kernels/v3quant.o: ISA = -mavx2 -mfma -mf16c $(foreach f,-fno-tree-pre -fno-schedule-insns -fno-ivopts,$(call accepted,$(f)))
# Redundancy elimination makes gcc 12 keep two copies of the sums of a tile, one of them in memory.
V4 = -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c $(call accepted,-fno-tree-pre)
$(V4_SRC:%.c=$(B)/%.o): ISA = $(V4)
# clang takes minutes for each of these with sanitizers; `make asan` runs their tests under those of gcc.
$(V3_SRC:%.c=$(B)/%.o) $(V4_SRC:%.c=$(B)/%.o): SAN_fuzz = -fsanitize=fuzzer-no-link
$(B)/common/kernels/v4bf16.o: ISA = $(V4) -mavx512bf16
# gcc's first scheduling pass moves so many loads ahead that sums of a tile fall out of the registers.
NO_AHEAD = $(call accepted,-fno-schedule-insns)
$(NEON_SRC:%.c=$(B)/%.o): ISA = -march=armv8-a $(NO_AHEAD)
$(B)/common/kernels/neondot.o: ISA = -march=armv8.2-a+dotprod $(NO_AHEAD)
$(B)/common/kernels/neonbf16.o: ISA = -march=armv8.2-a+bf16 $(NO_AHEAD)

LIB_SRC  = $(filter-out $(ISA_SRC),$(wildcard common/*/*.c)) $(KERNELS_ISA)
LIB      = $(B)/libt5g.a
PROGRAMS = $(patsubst cmd/%.c,%,$(wildcard cmd/t5g-*.c))
SCRIPTS  = t5g t5g-ask
BIN      = $(PROGRAMS:%=$(B)/bin/%)
UNITS    = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZERS  = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH    = $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
MODEL    = pipelines/demo/model
SCALE    = $(addprefix pipelines/,stages.sh search.sh rerank.sh perplexity.sh documents parallel.sh slurm.sh launch.sh prepare shard retry merge slurm-task)

# Completion of the shells, from the option tables as --help prints them; paths under share/.
COMPLETED   = $(PROGRAMS) $(SCRIPTS)
COMPLETIONS = $(COMPLETED:%=bash-completion/completions/%) $(COMPLETED:%=zsh/site-functions/_%) \
              $(COMPLETED:%=fish/vendor_completions.d/%.fish)

all: $(BIN) $(SCRIPTS:%=$(B)/bin/%) $(B)/share/t5g/model $(COMPLETIONS:%=$(B)/share/%)  ## build the programs (default)

$(LIB): $(LIB_SRC:%.c=$(B)/%.o)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ISA) -c -o $@ $<

$(B)/bin/t5g-decode: $(patsubst %.c,$(B)/%.o,$(wildcard cmd/decode/*.c))
$(B)/bin/t5g-frame: $(patsubst %.c,$(B)/%.o,$(wildcard cmd/frame/*.c))
$(BIN): $(B)/bin/%: $(B)/cmd/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)

$(SCRIPTS:%=$(B)/bin/%): $(B)/bin/%: cmd/% $(BIN)
	@mkdir -p $(@D)
	install -m 755 $< $@

# The programs look for the default model in ../share/t5g/model, in the build folder as when installed.
$(B)/share/t5g/model:
	@mkdir -p $(@D)
	ln -sfn $(CURDIR)/$(MODEL) $@

complete = @mkdir -p $(@D) && awk -v shell=$(1) -v program=$< -f common/cli/completion.awk < /dev/null > $@
# `t5g VERB` completes like the programs, which are asked.
$(COMPLETIONS:%=$(B)/share/%): $(SCRIPTS:%=$(B)/bin/%)
$(B)/share/bash-completion/completions/%: $(B)/bin/% common/cli/completion.awk
	$(call complete,bash)
$(B)/share/zsh/site-functions/_%: $(B)/bin/% common/cli/completion.awk
	$(call complete,zsh)
$(B)/share/fish/vendor_completions.d/%.fish: $(B)/bin/% common/cli/completion.awk
	$(call complete,fish)

deps: PACKAGES = $(DEPS) $(DEPS_CHECK)
deps-build: PACKAGES = $(DEPS)
deps deps-build:  ## install what build, demo and tests need, or build and demo only (Debian packages)
	@missing=; for p in $(PACKAGES); do \
	    dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then \
	    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $$missing; \
	else \
	    echo "missing packages; run:  sudo apt-get install$$missing" >&2; exit 1; \
	fi

demo: deps-build  ## build, then encode package descriptions of this machine and ask questions of them
	$(MAKE) all
	PATH="$(CURDIR)/$(B)/bin:$$PATH" sh pipelines/demo/demo.sh

check: deps  ## unit tests (cmocka) and command-line tests (bats)
	$(MAKE) all units
	CMOCKA_MESSAGE_OUTPUT=TAP T5G_BUILD="$(CURDIR)/$(B)" T5G_TESTS="$(CURDIR)/tests" PATH="$(CURDIR)/$(B)/bin:$$PATH" \
	    prove -e 'sh tests/tap.sh' $(or $(PROVEFLAGS),-j$$(nproc)) $(UNITS) tests/cli/*.bats

check-aarch64:  ## kernels and model for aarch64, under qemu (needs a cross compiler and qemu-user)
	sh tests/aarch64.sh

check-cluster: all  ## GNU parallel over ssh and a Slurm of one node (needs parallel, openssh-server, slurm-wlm)
	T5G_BUILD="$(CURDIR)/$(B)" tests/cluster.sh

check-corpus: all  ## 50,000 real documents through the whole pipeline (needs apt's lists; some ten minutes)
	PATH="$(CURDIR)/$(B)/bin:$$PATH" tests/corpus.sh

soak: all $(B)/tests/shim.so  ## every call of every program failing once; programs killed at random, 200 times; ten minutes of writers on one cache
	PATH="$(CURDIR)/$(B)/bin:$$PATH" tests/failing.sh 1 $(CURDIR)/$(B)/tests/shim.so
	PATH="$(CURDIR)/$(B)/bin:$$PATH" tests/soak.sh 200 600

units: $(UNITS) $(B)/tests/shim.so
$(B)/tests/shim.so: tests/shim.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(filter-out -Wpedantic,$(WARN)) -O1 -fPIC -shared -o $@ $< -ldl
$(B)/tests/%: $(B)/tests/unit/%.o $(patsubst %.c,$(B)/%.o,$(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c))) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -lcmocka $(LIBS)

asan tsan:  ## rebuild under that sanitizer and run the tests
	$(MAKE) V=$@ CFLAGS='-O1 -g' check

FUZZ_SECONDS ?= 60
fuzz:  ## run every fuzz target for FUZZ_SECONDS (needs clang)
	$(MAKE) fuzzers
	T5G_TESTS="$(CURDIR)/tests" sh tests/fuzz/run.sh $(B:$(V)=fuzz)/fuzz $(FUZZ_SECONDS)
ifeq ($(V),fuzz)
fuzzers: $(FUZZERS)
else
fuzzers:  ## build the fuzz targets (needs clang)
	$(MAKE) V=fuzz CC=clang CFLAGS='-O1 -g' fuzzers
endif
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) $(LIB) $(LIBS)

# Programs that measure: build/release/bench/NAME.
$(B)/bench/%: $(B)/tests/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)

bench: all $(BENCH)  ## measure beside other systems (variables: tests/bench/bench.sh); not part of check
	@[ "$$(nice)" = 0 ] || echo "make bench: niceness is $$(nice), figures will not count" >&2
	T5G_BUILD="$(B)" tests/bench/bench.sh

bench-readme:  ## put tables and chart of the newest results into README.md and tests/bench/README.md (needs gnuplot)
	sh tests/bench/readme.sh

PYTHON ?= python3
goldens:  ## make the tests' models and goldens anew and compare (PYTHON: one with transformers 5.18, torch, Pillow)
	tests/oracle/goldens.sh $(PYTHON) build/goldens

lint:  ## formatting, pages, scripts, include order, symbols (needs clang-format, mandoc, shellcheck)
	sh tests/lint.sh

# What install puts under PREFIX and uninstall takes away: MODE=SOURCE=PLACE, or link=TARGET=PLACE.
put = $(foreach f,$(2),$(1)=$f=$(3)/$(notdir $f))
INSTALLED = $(call put,755,$(BIN) $(SCRIPTS:%=$(B)/bin/%),bin) \
            $(call put,644,$(wildcard $(MODEL)/*),share/t5g/model) \
            $(call put,644,$(wildcard pipelines/*.mk),share/t5g/pipelines) \
            $(call put,755,$(SCALE),share/t5g/pipelines) \
            $(foreach f,$(COMPLETIONS),644=$(B)/share/$f=share/$f) \
            $(foreach s,1 5 7,$(call put,644,$(wildcard man/*.$s),share/man/man$s)) \
            link=../man7/t5g.7=share/man/man1/t5g.1 link=t5g-stream.5=share/man/man5/t5g.5
# share/t5g/installed lists the files, and the folders (with / at the end) that were not there before.
INSTALL = install
ROOT    = $(DESTDIR)$(PREFIX)
RECORD  = share/t5g/installed

install: all  ## programs, pages and default model to DESTDIR PREFIX
	@set -eu; umask 022; new=$(B)/installed; rm -f $$new; echo $(RECORD) > $$new; \
	folder() { \
	    [ ! -d "$$1" ] || return 0; \
	    folder "$$(dirname "$$1")"; \
	    mkdir "$$1"; \
	    case $$1/ in '$(DESTDIR)'*) printf '%s/\n' "$${1#'$(DESTDIR)'}" >> $$new ;; esac; \
	}; \
	for i in $(INSTALLED); do \
	    mode=$${i%%=*} place=$${i##*=} i=$${i#*=} to='$(ROOT)'/$${i##*=}; \
	    folder "$${to%/*}"; \
	    case $$mode in \
	    link) ln -sfn $${i%=*} "$$to" ;; \
	    *) $(INSTALL) -m $$mode $${i%=*} "$$to" ;; \
	    esac; \
	    echo $$place >> $$new; \
	done; \
	[ ! -f '$(ROOT)/$(RECORD)' ] || cat '$(ROOT)/$(RECORD)' >> $$new; \
	LC_ALL=C sort -ru -o $$new $$new; \
	$(INSTALL) -m 644 $$new '$(ROOT)/$(RECORD)'; \
	echo "installed in $(ROOT): $$(grep -vc '/$$' $$new) files"

uninstall:  ## remove what install put there
	@was=$$(cat '$(ROOT)/$(RECORD)' 2>/dev/null); \
	printf '%s\n' "$$was" $(foreach i,$(INSTALLED),$(lastword $(subst =, ,$i))) $(RECORD) | grep -v '/$$' | \
	    while read -r f; do [ -z "$$f" ] || rm -f '$(ROOT)'/"$$f" || exit; done || exit; \
	{ printf '%s\n' "$$was" | sed -n 's|.*/$$|$(DESTDIR)&|p'; [ -n "$$was" ] || find '$(ROOT)/share/t5g' -depth -type d 2>/dev/null; } | \
	    while read -r d; do [ ! -d "$$d" ] || rmdir --ignore-fail-on-non-empty "$$d" || exit; done

DIST    = build
VERSION = $(shell sed -n 's/^.define T5G_VERSION "\(.*\)"/\1/p' common/base/base.h)

dist:  ## source tarball, build/t5g-VERSION.tar.gz, which builds without git
	sh tests/dist/tarball.sh $(VERSION) $(DIST)/t5g-$(VERSION).tar.gz

deb: all  ## Debian package of what install puts in place, build/t5g_VERSION_ARCH.deb (needs dpkg-dev)
	MAKE='$(MAKE)' CC='$(CC)' sh tests/dist/deb.sh $(VERSION) $(V) $(DIST)

html:  ## the pages as HTML, build/html/index.html (needs mandoc)
	sh tests/dist/html.sh $(VERSION) $(DIST)/html

clean:  ## remove everything built
	rm -rf build

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## /{printf "%-14s %s\n", $$1, $$2}' Makefile

.PHONY: all deps deps-build demo check check-aarch64 check-cluster check-corpus soak units asan tsan fuzz fuzzers bench bench-readme goldens lint install uninstall dist deb html clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
