# SPDX-License-Identifier: MIT
board_ARCHS := amd64
board_ARCH_FOLDER := arch/amd64/hosted
board_LIBC := glibc
board_CORES_MAX := 16
board_SRCS := boards/linux/board.c boards/devices/command_line.c
board_LINKER := linker/linux.ld.S
