# t5g.mk: rules that make encoder outputs and answers of documents; include it in a Makefile of yours.
#
#   FILE.ids.t5g   token ids of FILE: a text, an archive (tar, zip, 7z), NAME.docs.jsonl (one document per line)
#   FILE.enc.t5g   encoder output for these
#   FILE.jsonl     answers, one object per line
#
# PROMPT, or QUESTIONS (a file with a prompt on each line), is what is asked; without either, each document's
# own prompt. T5G_PICTURES=1 is for documents with pictures, and for FILEs that are pictures; PICTURE_TEXT is
# then the text of such a FILE. T5G_MODEL, T5G_ADAPTER, T5G_COMPUTE, T5G_CPU, T5G_TOKENIZE_FLAGS, T5G_VISION_FLAGS,
# T5G_ENCODE_FLAGS and T5G_DECODE_FLAGS are passed on. With `make -j N` set T5G_THREADS to the number of processors
# divided by N. V=1 shows commands in full.
#
# $(call t5g-answers,DIR,KIND ...) are the answers for the files in DIR that are of a KIND, and $(t5g-join) in
# a recipe joins them. KIND is `texts`, `archives`, `pictures`, or a suffix, in upper or lower case. Names may
# have any bytes: see `documents` beside this file. Names of files, and the values of DIR, QUESTIONS, PROMPT,
# PICTURE_TEXT, T5G_MODEL and T5G_ADAPTER, never become part of a command or a makefile: recipes find them in the
# environment. Given on make's command line or in the environment, these values are taken as they are ($ is a
# dollar). The T5G_..._FLAGS are words for a shell.
#
# Another model or adapter, other flags or another prompt make only what depends on them again.
# Documents that fail do not stop anything: their ids are in TARGET.failed, one on a line, as in JSON.
# make's own rules are off: one of them would make NAME.txt from a file that is called NAME.txt.sh.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

PICTURE_TEXT ?= <start_of_image>

# $(call t5g-quote,TEXT): a word of a shell that is TEXT. For $(shell) alone, which sees no exported variables.
t5g-quote = '$(subst ','\'',$(1))'
t5g-scripts := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
t5g-documents = $(call t5g-quote,$(t5g-scripts)/documents)

# Variables that the programs read, wherever they are set.
t5g-settings := T5G_MODEL T5G_ADAPTER T5G_COMPUTE T5G_CPU T5G_THREADS HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HOME

# What comes from outside is text, not an expression of make.
t5g-literal = $(if $(filter command environment,$(firstword $(origin $(1)))),$(eval override $(1) := $$(value $(1))))
$(foreach v,DIR QUESTIONS PROMPT PICTURE_TEXT $(t5g-settings) T5G_PICTURES V,$(call t5g-literal,$(v)))
override T5G_PICTURES := $(filter-out 0,$(T5G_PICTURES))

# $(call t5g-check,WHAT,NAME): a name that cannot stand in a rule ends the run, before anything is made.
define t5g-newline


endef
t5g-check = $(if $(findstring $(t5g-newline),$(2))$(shell LC_ALL=C; n=$(call t5g-quote,$(2)); \
    if [[ $$n = [-~]* || $$n = *[^-A-Za-z0-9_.,@+/$$'\x80'-$$'\xff']* ]]; then echo bad; fi),$(error \
    t5g.mk: $(1): '$(2)': a name of letters, digits and _ . , @ + - / is needed; or run make in that folder, without DIR))
$(call t5g-check,DIR,$(DIR))
$(call t5g-check,QUESTIONS,$(QUESTIONS))
# DIR/ is DIR, so that names have one / in them.
t5g-bare = $(if $(filter %/,$(1)),$(call t5g-bare,$(patsubst %/,%,$(1))),$(1))
$(if $(filter %/,$(DIR)),$(if $(call t5g-bare,$(DIR)),$(eval override DIR := $(call t5g-bare,$(DIR)))))

t5g-settings := $(foreach v,$(t5g-settings),$(if $(value $(v)),$(v)))
export T5G_MODEL T5G_THREADS $(t5g-settings)
export T5G_QUESTIONS = $(QUESTIONS)
export T5G_TO = $@
export T5G_FROM = $<
export T5G_PICTURE_TEXT = $(if $(T5G_PICTURES),$(PICTURE_TEXT))
export V

t5g-missing := $(strip $(shell for p in t5g-tokenize t5g-vision t5g-encode t5g-decode t5g-detok t5g-frame; do \
    command -v "$$p" > /dev/null || echo "$$p"; done))
$(if $(t5g-missing),$(error t5g.mk: programs that are not in PATH: $(t5g-missing)))

ifneq ($(shell mkdir -p .t5g; if [[ -L .t5g || ! -O .t5g ]]; then echo foreign; else rm -f .t5g/*.new; fi),)
$(error t5g.mk: .t5g is a link, or another user's)
endif

# Parts of the model and numeric profile as the head of a stream names them: a model that is copied or touched is the
# same, and one with another decoder encodes nothing again.
T5G_IDENTITY := $(shell $(foreach v,$(t5g-settings),export $(v)=$(call t5g-quote,$($(v)));) t5g-tokenize -l /dev/null -o .t5g/ids.new && \
    $(if $(T5G_PICTURES),t5g-vision -o .t5g/feat.new .t5g/ids.new && mv .t5g/feat.new .t5g/ids.new &&) \
    t5g-encode -o .t5g/enc.new .t5g/ids.new && t5g-decode .t5g/enc.new | t5g-frame ls --frames 2> /dev/null | \
    grep -oE '"(vision|encoder|decoder|num)":"[^"]*"'; rm -f .t5g/*.new)
ifeq ($(filter "decoder"%,$(T5G_IDENTITY)),)
$(error t5g.mk: the model cannot be used ($(if $(T5G_MODEL),T5G_MODEL=$(T5G_MODEL),T5G_MODEL is not set)))
endif

# $(call t5g-stamp,NAME,TEXT): .t5g/NAME holds TEXT and is as old as that.
t5g-stamp = $(file >.t5g/$(1).new,$(2))$(shell \
    if cmp -s .t5g/$(1).new .t5g/$(1); then rm .t5g/$(1).new; else mv .t5g/$(1).new .t5g/$(1); fi)
$(call t5g-stamp,tokenize,$(T5G_TOKENIZE_FLAGS))
$(call t5g-stamp,encode,$(sort $(filter "encoder"% "num"%,$(T5G_IDENTITY))) $(T5G_ENCODE_FLAGS))
$(call t5g-stamp,decode,$(sort $(filter "decoder"% "num"%,$(T5G_IDENTITY))) $(T5G_DECODE_FLAGS))
$(call t5g-stamp,prompt,$(PROMPT))
# What only pictures depend on has stamps of its own, which a run for texts leaves as they are.
$(if $(T5G_PICTURES),$(call t5g-stamp,picture,$(PICTURE_TEXT))$(call t5g-stamp,vision,$(filter "vision"%,$(T5G_IDENTITY)) $(T5G_VISION_FLAGS)))

# A stamp of the list goes with the answers: one document less is another result.
t5g-answers = $(call t5g-check,folder,$(1))$(call t5g-listed,$(shell \
    T5G_QUESTIONS=$(call t5g-quote,$(QUESTIONS)) $(t5g-documents) list $(call t5g-quote,$(1)) $(2)),$(subst \
    /,_,/$(1))-$(subst $(t5g-empty) ,-,$(strip $(2))))
t5g-listed = $(if $(filter 0,$(.SHELLSTATUS)),,$(error t5g.mk: $(1)))$(call t5g-stamp,list$(2),$(1)).t5g/list$(2) $(1:%=%.jsonl)
t5g-join = @$(shell rm -f -- $(call t5g-quote,$@.parts))$(file >$@.parts,$(filter %.jsonl,$^))$(call t5g-say,JOIN) \
    tr ' ' '\n' < "$$T5G_TO.parts" | xargs -r -d '\n' cat -- > "$$T5G_TO"; rm -- "$$T5G_TO.parts"
# A line for each target, but with `make -s`.
t5g-say = $(if $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),,printf '%-8s %s\n' $(1) "$$T5G_TO";)$(if $(filter-out 0,$(V)), set -x;)

# $(call t5g,WORD,COMMAND): COMMAND makes $@. Status 3, some documents failed, is success with a list of
# them; anything else leaves no target, not even an earlier one.
t5g = @status=0; { $(call t5g-say,$(1)) $(2); } || status=$$?; \
    { set +x; } 2> /dev/null; case $$status in 0) rm -f -- "$$T5G_TO.failed" ;; \
    3) $(t5g-failed) > "$$T5G_TO.failed" ;; *) rm -f -- "$$T5G_TO" "$$T5G_TO.failed"; exit $$status ;; esac
t5g-failed = $(if $(filter %.jsonl,$@),cat,t5g-frame ls --json) -- "$$T5G_TO" | sed -nE '$(t5g-failed-id)'
t5g-failed-id = s/^\{"id":"(([^"\\]|\\.)*)",("frames":\[.*\],)?"error":.*/\1/p

T5G_ASK = $(if $(PROMPT),--prompts .t5g/prompt,$(if $(QUESTIONS),--prompts "$$T5G_QUESTIONS"))

%.ids.t5g: % .t5g/tokenize $(if $(T5G_PICTURES),.t5g/picture)
	$(call t5g,TOKENIZE,$(t5g-documents) tokenize "$$T5G_TO" "$$T5G_FROM" $(T5G_TOKENIZE_FLAGS))

%.enc.t5g: %.ids.t5g .t5g/encode $(if $(T5G_PICTURES),.t5g/vision)
	$(call t5g,ENCODE,$(if $(T5G_PICTURES),t5g-vision $(T5G_VISION_FLAGS) -- "$$T5G_FROM" | t5g-encode $(T5G_ENCODE_FLAGS) -o "$$T5G_TO",t5g-encode $(T5G_ENCODE_FLAGS) -o "$$T5G_TO" -- "$$T5G_FROM"))

%.jsonl: %.enc.t5g .t5g/decode .t5g/prompt $(QUESTIONS)
	$(call t5g,DECODE,t5g-decode $(T5G_DECODE_FLAGS) $(T5G_ASK) -- "$$T5G_FROM" | t5g-detok --jsonl -o "$$T5G_TO")
