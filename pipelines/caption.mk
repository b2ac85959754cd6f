# caption.mk: a caption for every picture in a folder, in DIR/captions.jsonl.
# make -f caption.mk DIR=photos PICTURE_TEXT='<start_of_image> in this image, there is'
# A picture is a file that begins like one or is named like one. One that cannot be read is an error in its place.
DIR ?= .
T5G_PICTURES = 1
include $(dir $(lastword $(MAKEFILE_LIST)))t5g.mk

$(DIR)/captions.jsonl: $(call t5g-answers,$(DIR),pictures)
	$(t5g-join)
.DEFAULT_GOAL := $(DIR)/captions.jsonl
