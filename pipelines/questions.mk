# questions.mk: every question in a file, asked about every document in archives, in DIR/answers.jsonl.
# make -j 4 -f questions.mk DIR=corpus QUESTIONS=questions.txt
# An archive is a file named like one that t5g-tokenize reads; others are named and skipped.
# The archives are encoded once. Change the questions and run it again: only the decoder works.
DIR ?= .
QUESTIONS ?= $(DIR)/questions.txt
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/answers.jsonl: $(call t5g-answers,$(DIR),archives)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/answers.jsonl
