# SPDX-License-Identifier: MIT
# No board of its own: weft inside somebody's firmware, through include/weft/firmware.h.
board_ARCHS := mips mipsel amd64
board_CORES_MAX := 1
firmware_PORT := $(if $(filter amd64,$(ARCH)),amd64,mips)
board_SRCS := $(addprefix boards/firmware/,board.c start-$(firmware_PORT).S vectors-$(firmware_PORT).c) \
	boards/devices/region.c
board_LINKER := linker/firmware.ld.S
board_FRAGMENTS := text read-only data bss
