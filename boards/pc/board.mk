# SPDX-License-Identifier: MIT
board_ARCHS := amd64
board_CORES_MAX := 16
board_SRCS := $(addprefix boards/pc/,start.S board.c boot_info.c acpi.c ioapic.c clock_reference.c power.c) \
	boards/devices/command_line.c $(if $(filter-out 1,$(CORES)),boards/pc/cores.c boards/pc/secondary.S)
board_LINKER := linker/pc.ld.S
board_IMAGE := .iso .img
board_IMAGE_PACKAGES := grub-common grub-pc-bin xorriso mtools
