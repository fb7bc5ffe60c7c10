# SPDX-License-Identifier: MIT
# prof: the sampler, the unwinder, the sample log, stack dumps. Reads the others, never decides.
prof_SRCS := $(addprefix prof/,cfi.c cfi_expression.c cfi_program.c cfi_reader.c dump.c foreign.c frame.c heap_dump.c heap_profile.c heap_sampling.c \
	heap_sites.c image.c labels.c log.c names.c profile.c profiles.c records.c remote.c sampler.c send.c sites.c sites_message.c unwind.c unwind_table.c wall.c)

# The host tests. prof_cfi_*.c include the reader of call frame information themselves, each for
# another CPU; prof_port is the host as a port of weft, with the rest from tests/unit/port.
prof_TEST_CFLAGS := -Itests/unit/prof_port -Itests/unit -fsanitize=undefined -fno-sanitize-recover=all
prof_TEST_SRCS := tests/unit/prof_fake.c tests/unit/prof_fake_switch.S kernel/print.c \
	$(filter-out prof/image.c prof/heap_dump.c prof/remote.c,$(prof_SRCS))
unit_prof_cfi_amd64_SRCS := tests/unit/prof_cfi_amd64.c
unit_prof_cfi_amd64_DEPS := prof/cfi.c prof/cfi_program.c prof/cfi_reader.c
unit_prof_cfi_mips_SRCS := tests/unit/prof_cfi_mips.c
unit_prof_cfi_mips_DEPS := prof/cfi.c prof/cfi_program.c prof/cfi_reader.c
unit_prof_cfi_amd64_LIBS := -ldw -lelf
unit_prof_cfi_mips_LIBS := -ldw -lelf
unit_prof_dump_SRCS := tests/unit/prof_dump.c $(prof_TEST_SRCS)
unit_prof_heap_SRCS := tests/unit/prof_heap.c $(prof_TEST_SRCS)
unit_prof_heap_LIBS := -lm
unit_prof_log_SRCS := tests/unit/prof_log.c $(prof_TEST_SRCS)
unit_prof_log_LIBS := -lz
unit_prof_sampler_SRCS := $(addprefix tests/unit/,prof_sampler.c prof_sampler_kinds.c prof_ticks.c) $(prof_TEST_SRCS)
unit_prof_sampler_LIBS := -lz
unit_prof_sites_SRCS := tests/unit/prof_sites.c $(prof_TEST_SRCS)
unit_prof_unwind_SRCS := $(addprefix tests/unit/,prof_unwind.c prof_unwind_real.c prof_expression.c) $(prof_TEST_SRCS)
# AddressSanitizer where no test makes stacks of its own or reads real ones.
unit_prof_dump_CFLAGS := $(prof_TEST_CFLAGS)
unit_prof_unwind_CFLAGS := $(prof_TEST_CFLAGS)
$(foreach t,cfi_amd64 cfi_mips heap log sampler sites,$(eval unit_prof_$(t)_CFLAGS := $$(prof_TEST_CFLAGS) -fsanitize=address))
unit_unwind_table_SRCS := tests/unit/unwind_table.c $(filter-out %/main.c,$(wildcard tools/unwind/*.c))
unit_unwind_table_DEPS := $(addprefix prof/,cfi.c cfi_program.c cfi_reader.c unwind_table.c) $(wildcard tools/unwind/*.h prof/*.h)
unit_unwind_table_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
unit_unwind_table_LIBS := -lelf
