# caption.mk: what is in every picture of a folder, in DIR/captions.jsonl.
# make -f caption.mk DIR=photos PICTURE_TEXT='<start_of_image> in this image, there is'
DIR ?= .
T5G_PICTURES = 1
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/captions.jsonl: $(call t5g-answers,$(DIR),png jpg)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/captions.jsonl
