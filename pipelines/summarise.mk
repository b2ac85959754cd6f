# summarise.mk: a line of summary for every text of a folder, in DIR/summaries.jsonl.
# make -f summarise.mk DIR=docs
# A text is what is called like one: .txt, .text, .md, .markdown, .rst, compressed or not; other files are named and left out.
DIR ?= .
PROMPT ?= synopsis:
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/summaries.jsonl: $(call t5g-answers,$(DIR),texts)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/summaries.jsonl
