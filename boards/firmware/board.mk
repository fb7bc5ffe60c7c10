# SPDX-License-Identifier: MIT
# No board of its own: weft inside somebody's firmware, through include/weft/firmware.h.
board_ARCHS := mips mipsel
board_CORES_MAX := 1
board_SRCS := $(addprefix boards/firmware/,board.c start-$(if $(filter mips%,$(ARCH)),mips,$(ARCH)).S) \
	boards/devices/region.c
board_LINKER := linker/firmware.ld.S
board_FRAGMENTS := text read-only data bss
