# SPDX-License-Identifier: MIT
# weft: threads for bare metal. `make help` says what can be asked for.
#
# A target is a board and an architecture; its files are under build/BOARD-ARCH (with CONFIG=..., in a
# folder of their own). Each source folder has a module.mk that lists what it contributes.

BOARD ?= $(if $(SAN),linux,malta)
CORES ?= 1
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

include tools/build/target.mk
include arch/module.mk kernel/module.mk sched/module.mk mem/module.mk prof/module.mk
include boards/module.mk examples/module.mk tools/module.mk
include tools/build/rules.mk tools/build/host.mk
include tools/preload/preload.mk tests/module.mk
include tools/build/commands.mk tools/build/install.mk
