/* SPDX-License-Identifier: MIT */
/* What the files of the played CPU share. */
#ifndef TESTS_UNIT_PLAYED_AMD64_INSIDE_H
#define TESTS_UNIT_PLAYED_AMD64_INSIDE_H

#include "tests/unit/played_amd64.h"

#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2APIC (1u << 10)

/* An exception of the CPU's: the first is kept for the test, and nothing else happens. */
void played_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
void played_note(enum played_kind kind, uint32_t number, uint64_t value);
struct played_core *played_self(void);

uint32_t *played_apic_at(struct played_core *core, uint32_t offset);
uint32_t played_apic_read(uint32_t offset);

/* A store to the page: in order with others to it, but nobody has to see it yet. */
void played_apic_store(uint32_t offset, uint32_t value);

/* Something orders stores: they are seen now. */
void played_apic_settle(struct played_core *core);

uint64_t played_msr_read(uint32_t msr);
void played_msr_write(uint32_t msr, uint64_t value);

#endif
