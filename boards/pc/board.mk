# SPDX-License-Identifier: MIT
board_ARCHS := amd64
board_CORES_MAX := 1
board_SRCS := $(addprefix boards/pc/,start.S board.c boot_info.c acpi.c ioapic.c clock_reference.c power.c) \
	boards/devices/command_line.c
board_LINKER := linker/pc.ld.S
board_IMAGE := .iso .img
board_IMAGE_PACKAGES := grub-common grub-pc-bin xorriso mtools
