# SPDX-License-Identifier: MIT
# Runs the port's assembly on the host, which has to be of the same kind.
ifeq ($(shell uname -m),x86_64)
unit_amd64_memory_SRCS := tests/unit/amd64_memory.c arch/amd64/memory.S
unit_amd64_memory_CFLAGS := -Dmemcpy=weft_memcpy -Dmemset=weft_memset
endif
