# summarise.mk: a line of summary for every text of a folder, in DIR/summaries.jsonl.
# make -f summarise.mk DIR=docs
DIR ?= .
PROMPT ?= synopsis:
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/summaries.jsonl: $(sort $(patsubst %.txt,%.jsonl,$(wildcard $(DIR)/*.txt)))
	cat $^ > $@
.DEFAULT_GOAL := $(DIR)/summaries.jsonl
