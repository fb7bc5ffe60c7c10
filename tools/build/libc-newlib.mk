# SPDX-License-Identifier: MIT
# The C library of the firmware: newlib, built here, once per architecture.
NEWLIB := build/newlib/$(ARCH)
libc_READY := $(NEWLIB)/built

# newlib and everything linked with it must agree on these.
NEWLIB_DEFINES := -D__DYNAMIC_REENT__ -D_POSIX_TIMERS=1 -D_POSIX_MONOTONIC_CLOCK=1
libc_FLAGS := -ffreestanding -U__linux__ -Ulinux -U__unix__ $(NEWLIB_DEFINES)
gcc_INCLUDE = $(shell $(CC) -print-file-name=include)
LIBC_INCLUDES = -nostdinc -isystem $(gcc_INCLUDE) -isystem $(NEWLIB)/include

libc_LINK_FLAGS := -static
libc_LIBS := $(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a -lgcc
libc_PACKAGES := newlib-source xz-utils

# What another C library has in place of these.
libc_OMITS :=
libc_SRCS :=

# From Debian's source package.
$(NEWLIB)/built: tools/build/newlib.sh
	$(Q)tools/build/newlib.sh $(ARCH) $(NEWLIB) $(arch_NEWLIB_HOST) '$(arch_CROSS)' '-O2 -g $(TARGET_FLAGS)'
