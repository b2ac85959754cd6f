# questions.mk: every question of a file asked of every document of tar shards, in DIR/answers.jsonl.
# make -j 4 -f questions.mk DIR=corpus QUESTIONS=questions.txt
# The shards are encoded once. Change the questions and run it again: only the decoder works.
DIR ?= .
QUESTIONS ?= $(DIR)/questions.txt
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/answers.jsonl: $(call t5g-answers,$(DIR),tar tar.gz tgz tar.xz tar.zst zip 7z)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/answers.jsonl
