# SPDX-License-Identifier: MIT
# What the build asks of a board. board_FOLDER is where this file is.

# The architectures that the board can have; the first one is taken when ARCH is not given.
board_ARCHS := mips mipsel amd64
# How many cores weft may run on it.
board_CORES_MAX := 1
# Its sources. region.c checks memory regions; boards/devices has drivers. On amd64 the reset code is the board's (here
# the PC's, which comes from Multiboot or PVH); on MIPS it is the port's.
board_SRCS := $(addprefix $(board_FOLDER)/,console.c memory.c time.c end.c) boards/devices/region.c \
	$(if $(filter amd64,$(ARCH)),boards/pc/start.S)
# Its linker script, run through the preprocessor.
board_LINKER := $(if $(filter amd64,$(ARCH)),linker/pc.ld.S,$(board_FOLDER)/image.ld.S)
