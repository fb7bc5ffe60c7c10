# SPDX-License-Identifier: MIT
# SAN=address|undefined|thread: the hosted board's images, and those host tests that can, under a sanitizer.
SAN ?=
ifneq ($(SAN),)
ifeq ($(filter address undefined thread,$(SAN)),)
$(error SAN=$(SAN) is not a sanitizer; these are: address undefined thread)
endif
ifneq ($(BOARD),linux)
$(error SAN=$(SAN) needs a process: board "$(BOARD)" is none; use BOARD=linux)
endif
san_TAG := -$(SAN)
# gcc 12 reads a volatile bool once for a whole loop when it is to check that it is 0 or 1.
san_KIND := -fsanitize=$(SAN) $(if $(filter undefined,$(SAN)),-fno-sanitize=bool) -fno-sanitize-recover=all
# Instrumented frames are larger.
san_FLAGS := $(san_KIND) -fno-omit-frame-pointer -DWEFT_CONFIG_STACK_BYTES=65536 -DHOSTED_SANITIZE_$(SAN)
san_LIBRARY_address := asan
san_LIBRARY_undefined := ubsan
san_LIBRARY_thread := tsan
san_LIBS := -Wl,--push-state,--no-as-needed -l$(san_LIBRARY_$(SAN)) -Wl,--pop-state
# ThreadSanitizer does not see fences; the sampler's are between words that only it orders.
ifeq ($(SAN),thread)
san_FLAGS += -Wno-tsan
endif
endif

# Reads stacks that belong to others, and words between variables: no sanitizer of memory looks there.
san_BLIND := prof/unwind.o prof/cfi_expression.o arch/amd64/unwind.o arch/amd64/hosted/stack.o \
	arch/amd64/hosted/signal.o arch/amd64/hosted/clock.o
