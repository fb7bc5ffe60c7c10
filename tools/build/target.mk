# SPDX-License-Identifier: MIT
# What BOARD, ARCH, CORES and CONFIG mean. Mistakes are answered with a sentence.

comma := ,
# BOARDS_PATH="folder ..." names more folders of boards (docs/porting-a-board.md).
BOARDS_PATH ?=
board_FOLDERS := $(patsubst %/board.mk,%,$(wildcard $(addsuffix /*/board.mk,boards $(BOARDS_PATH))))
BOARDS := $(filter-out template,$(notdir $(board_FOLDERS)))
board_FOLDER := $(firstword $(filter %/$(BOARD),$(board_FOLDERS)))
ifeq ($(board_FOLDER),)
$(error there is no board "$(BOARD)"; the boards are: $(BOARDS))
endif
# CONFIG="PREEMPTION=0 TICK_HZ=100" overrides options of include/weft/config.h. CORES=n may stand there too.
CONFIG ?=
config_KNOWN := $(shell sed -n 's/^.ifndef WEFT_CONFIG_\(..\)/\1/p' include/weft/config.h)
config_UNKNOWN := $(filter-out $(addsuffix =%,$(config_KNOWN)),$(CONFIG)) $(filter %=,$(CONFIG))
ifneq ($(strip $(config_UNKNOWN)),)
$(error CONFIG="$(strip $(config_UNKNOWN))": not an option with its value; include/weft/config.h has: $(config_KNOWN))
endif
config_CORES := $(patsubst CORES=%,%,$(filter CORES=%,$(CONFIG)))
override CORES := $(or $(config_CORES),$(CORES))
include $(board_FOLDER)/board.mk

ARCH ?= $(firstword $(board_ARCHS))
ifeq ($(filter $(ARCH),$(board_ARCHS)),)
$(error board "$(BOARD)" has no architecture "$(ARCH)"; it has: $(board_ARCHS))
endif
arch_PORT := $(if $(filter mips%,$(ARCH)),mips,$(ARCH))
# A board may take another port of its CPU than the bare-metal one.
arch_FOLDER := $(or $(board_ARCH_FOLDER),arch/$(arch_PORT))

ifneq ($(shell test "$(CORES)" -ge 1 2>/dev/null && test "$(CORES)" -le $(board_CORES_MAX) && echo ok),ok)
$(error CORES=$(CORES) is not possible here: board "$(BOARD)" has 1 to $(board_CORES_MAX))
endif

empty :=
space := $(empty) $(empty)
config_TAG := $(if $(filter-out 1,$(CORES)),$(if $(config_CORES),,-$(CORES)cores))$(if $(strip $(CONFIG)),-$(subst $(space),-,$(subst =,_,$(strip $(CONFIG)))))

TARGET := $(BOARD)-$(ARCH)
include tools/build/sanitize.mk
B := build/$(TARGET)$(san_TAG)$(config_TAG)

include $(arch_FOLDER)/arch.mk
CC := $(arch_CROSS)gcc
CXX := $(arch_CROSS)g++
AR := $(arch_CROSS)ar
OBJCOPY := $(arch_CROSS)objcopy
SIZE := $(arch_CROSS)size

OPTIMISE ?= $(if $(filter SMALL=1,$(CONFIG)),-Os,-O2)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror
DEFINES := -DWEFT_CONFIG_CORES=$(CORES) $(patsubst %,-DWEFT_CONFIG_%,$(filter-out CORES=%,$(CONFIG)))

TARGET_FLAGS = $(arch_FLAGS) $(san_FLAGS) -fno-stack-protector -fasynchronous-unwind-tables \
	-ffunction-sections -fdata-sections $(libc_FLAGS)
include tools/build/libc-$(or $(board_LIBC),newlib).mk
# The same bytes wherever the tree is: the last one that fits counts.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(CURDIR)/=
CPPFLAGS = -Iinclude $(DEFINES) $(LIBC_INCLUDES)
# Functions with arrays, or whose variables' addresses are taken, check a word before they return (kernel/canary.c).
STACK_PROTECTOR ?= -fstack-protector-strong $(arch_STACK_PROTECTOR)
CFLAGS = -std=gnu11 $(OPTIMISE) -g $(WARNINGS) $(TARGET_FLAGS) $(STACK_PROTECTOR) $(PREFIX_MAP)
# weft itself sees its own folders, and never touches a floating-point register.
RUNTIME_FLAGS = -I. -I$(arch_FOLDER) $(arch_RUNTIME_FLAGS)
