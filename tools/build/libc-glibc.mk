# SPDX-License-Identifier: MIT
# The C library of the hosted board: the system's own, linked dynamically. docs/decisions/0007-hosted-libc.md.
libc_READY :=
libc_FLAGS := -D_GNU_SOURCE
LIBC_INCLUDES :=

# The port has the entry point (it must come before main), so the start files stand here by name. No
# lazy binding: the resolver would run on a thread's stack and save the vector registers there.
libc_file = $(shell $(CC) -print-file-name=$(1))
libc_LINK_FLAGS := -Wl,-z,now -Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2
libc_FIRST = $(san_LIBS) $(call libc_file,crti.o) $(call libc_file,crtbegin.o)
libc_LIBS := -lgcc -lc -lm
libc_LAST = $(call libc_file,crtend.o) $(call libc_file,crtn.o)
libc_PACKAGES := libc6-dev

libc_OMITS := kernel/newlib.c kernel/newlib_exit.c kernel/newlib_time.c kernel/newlib_file.c kernel/file_devices.c \
	kernel/random.c sched/newlib.c mem/newlib_malloc.c
libc_SRCS := kernel/glibc.c sched/glibc.c
# The sanitizers of memory bring malloc, memcpy and memset of their own.
ifneq ($(filter address thread,$(SAN)),)
libc_OMITS += arch/amd64/memory.S
else
libc_SRCS += mem/glibc_malloc.c
endif
