# summarise.mk: one line of summary for every text in a folder, in DIR/summaries.jsonl.
# make -f summarise.mk DIR=docs
# A text is a file named like one: .txt, .text, .md, .markdown, .rst, compressed or not; others are named and skipped.
DIR ?= .
PROMPT ?= synopsis:
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/summaries.jsonl: $(call t5g-answers,$(DIR),texts)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/summaries.jsonl
