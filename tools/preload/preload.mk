# SPDX-License-Identifier: MIT
# build/host/libweft-malloc.so: the heap as a Linux program's malloc (tools/preload/names.c).
preload_SRCS := $(addprefix tools/preload/,names.c platform.c) $(mem_HOST_SRCS)
preload_LIB := build/host/libweft-malloc.so

$(preload_LIB): $(preload_SRCS) $(wildcard include/weft/*.h arch/*.h kernel/*.h mem/*.h) $(wildcard tools/preload/port/*.h) mem/module.mk tools/preload/preload.mk
	$(call say,HOSTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -I. -Iinclude -Itools/preload -fPIC -shared -fvisibility=hidden \
		-fno-builtin-malloc -ftls-model=initial-exec -DWEFT_CONFIG_CORES=1 -Wl,-z,defs -o $@ $(preload_SRCS) -lpthread

## make preload                          build/host/libweft-malloc.so: weft's heap for LD_PRELOAD
.PHONY: preload
preload: $(preload_LIB)

unit_mem_preload_SRCS := tests/unit/mem_preload.c
unit_mem_preload_DEPS := $(preload_LIB)
