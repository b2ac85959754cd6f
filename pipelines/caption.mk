# caption.mk: what is in every picture of a folder, in DIR/captions.jsonl.
# make -f caption.mk DIR=photos PICTURE_TEXT='<start_of_image> in this image, there is'
# A picture is what begins like one, or is called like one; one that cannot be read is an error in its place.
DIR ?= .
T5G_PICTURES = 1
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/captions.jsonl: $(call t5g-answers,$(DIR),pictures)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/captions.jsonl
