# questions.mk: every question of a file asked of every document of archives, in DIR/answers.jsonl.
# make -j 4 -f questions.mk DIR=corpus QUESTIONS=questions.txt
# An archive is what is called like one that t5g-tokenize reads; other files are named and left out.
# The archives are encoded once. Change the questions and run it again: only the decoder works.
DIR ?= .
QUESTIONS ?= $(DIR)/questions.txt
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/answers.jsonl: $(call t5g-answers,$(DIR),archives)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/answers.jsonl
