# t5g.mk: rules that make encoder outputs and answers of documents; include it in a Makefile of yours.
#
#   NAME.ids.t5g   token ids of NAME.txt, .md, .docs.jsonl, .tar, .tar.gz, .tar.zst, .zip, .png or .jpg
#   NAME.enc.t5g   encoder output of those
#   NAME.jsonl     answers, an object a line
#
# PROMPT, or QUESTIONS (a file, a prompt a line), is what is asked; with neither, documents' own
# prompts. T5G_PICTURES=1 for documents with pictures, PICTURE_TEXT for the text of a picture that is a
# file. T5G_MODEL, T5G_TOKENIZE_FLAGS, T5G_VISION_FLAGS, T5G_ENCODE_FLAGS and T5G_DECODE_FLAGS are
# passed on. Under `make -j N` set T5G_THREADS to the processors divided by N.
#
# Another model, other flags and another prompt make again what depends on them, and nothing else.
# Documents that fail do not stop anything: their ids are in TARGET.failed, a line each, as in JSON.
# File names are make's: no spaces. Of NAME.txt and NAME.md, say, make takes one; t5g-answers refuses.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
PICTURE_TEXT ?= <start_of_image>
export T5G_MODEL T5G_THREADS

# Model and numeric profile as the head of a stream names them: a model that is copied or touched is
# the same. T5G_MODEL itself is an order-only prerequisite: it must be there, its age does not matter.
T5G_IDENTITY := $(shell export T5G_MODEL='$(T5G_MODEL)'; t5g-tokenize -l /dev/null | t5g-encode | t5g-frame ls --frames | \
    sed -n 's/.*"model":"\([^"]*\)","num":"\([^"]*\)".*/\1 \2/p' | tail -n 1)
ifeq ($(T5G_IDENTITY),)
$(error t5g.mk: the model cannot be used (T5G_MODEL=$(T5G_MODEL)))
endif

# $(call t5g-stamp,NAME,TEXT): .t5g/NAME holds TEXT and is as old as that.
t5g-stamp = $(shell mkdir -p .t5g)$(file >.t5g/$(1).new,$(2))$(shell \
    if cmp -s .t5g/$(1).new .t5g/$(1); then rm .t5g/$(1).new; else mv .t5g/$(1).new .t5g/$(1); fi)
$(call t5g-stamp,tokenize,$(T5G_TOKENIZE_FLAGS))
$(call t5g-stamp,picture,$(PICTURE_TEXT))
$(call t5g-stamp,encode,$(T5G_IDENTITY) $(T5G_PICTURES) $(T5G_VISION_FLAGS) $(T5G_ENCODE_FLAGS))
$(call t5g-stamp,decode,$(T5G_DECODE_FLAGS))
$(call t5g-stamp,prompt,$(PROMPT))

# $(call t5g-answers,DIR,SUFFIX ...): NAME.jsonl of all DIR/NAME.SUFFIX. $(t5g-join) in a recipe joins them.
t5g-answers = $(call t5g-distinct,$(strip $(foreach s,$(2),$(patsubst %.$(s),%.jsonl,$(wildcard $(1)/*.$(s))))),$(2:%=$(1)/*.%))
t5g-distinct = $(if $(1),,$(error t5g.mk: no documents: $(2)))$(sort $(1))$(if $(filter-out \
    $(words $(sort $(1))),$(words $(1))),$(error t5g.mk: two documents of one name: $(strip \
    $(foreach n,$(sort $(1)),$(if $(filter-out 1,$(words $(filter $(n),$(1)))), $(n:.jsonl=.*))))))
t5g-join = $(file >$@.parts,$^)tr ' ' '\n' < $@.parts | xargs -d '\n' cat > $@; rm $@.parts

t5g-failed = $(if $(filter %.jsonl,$@),cat,t5g-frame ls --json) $@ | sed -nE '$(t5g-failed-id)'
t5g-failed-id = s/^\{"id":"(([^"\\]|\\.)*)",("frames":\[.*\],)?"error":.*/\1/p

# $(call t5g,COMMAND): COMMAND makes $@. Status 3, some documents failed, is success with a list of
# them; anything else leaves no target, not even one of before.
t5g = status=0; { $(1); } || status=$$?; case $$status in 0) rm -f $@.failed ;; \
    3) $(t5g-failed) > $@.failed ;; *) rm -f $@ $@.failed; exit $$status ;; esac

T5G_ASK = $(if $(PROMPT),--prompts .t5g/prompt,$(if $(QUESTIONS),--prompts $(QUESTIONS)))

%.ids.t5g: %.txt .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -o $@ $<)
%.ids.t5g: %.md .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -o $@ $<)
%.ids.t5g: %.docs.jsonl .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) --jsonl -o $@ $<)
%.ids.t5g: %.tar .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -o $@ $<)
%.ids.t5g: %.tar.gz .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -o $@ $<)
%.ids.t5g: %.tar.zst .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -o $@ $<)
%.ids.t5g: %.zip .t5g/tokenize
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -o $@ $<)
%.ids.t5g: %.png .t5g/tokenize .t5g/picture
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -e "$$(cat .t5g/picture)" -i $< -o $@)
%.ids.t5g: %.jpg .t5g/tokenize .t5g/picture
	$(call t5g,t5g-tokenize $(T5G_TOKENIZE_FLAGS) -e "$$(cat .t5g/picture)" -i $< -o $@)

%.enc.t5g: %.ids.t5g .t5g/encode | $(T5G_MODEL)
	$(call t5g,$(if $(T5G_PICTURES),t5g-vision $(T5G_VISION_FLAGS) $< | t5g-encode $(T5G_ENCODE_FLAGS) -o $@,t5g-encode $(T5G_ENCODE_FLAGS) -o $@ $<))

%.jsonl: %.enc.t5g .t5g/decode .t5g/prompt $(QUESTIONS) | $(T5G_MODEL)
	$(call t5g,t5g-decode $(T5G_DECODE_FLAGS) $(T5G_ASK) $< | t5g-detok --jsonl -o $@)
