# SPDX-License-Identifier: MIT
board_ARCHS := mips mipsel
board_CORES_MAX := 4
board_SRCS := boards/malta/board.c boards/malta/refuse.c boards/malta/host.c $(if $(filter-out 1,$(CORES)),boards/malta/cores.c) boards/devices/command_line.c
board_LINKER := linker/malta.ld.S
board_IMAGE := -flash.bin -flash.hex -flash.srec .uimage
board_IMAGE_PACKAGES := u-boot-tools
board_TEST_FILES := flash-start.bin demo-flash.bin demo-flash.hex demo-flash.srec
board_INSTALL_FILES := flash-start.bin
