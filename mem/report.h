/* SPDX-License-Identifier: MIT */
/* What the heap says when a program, or a wild pointer, has broken its rules. */
#ifndef MEM_REPORT_H
#define MEM_REPORT_H

#include <stdint.h>

enum heap_fault {
    FAULT_NONE,
    FAULT_FOREIGN,     /* not memory that malloc hands out */
    FAULT_MISALIGNED,  /* points into a block, or behind a span's last one */
    FAULT_NEVER_USED,  /* a place for a block that was never handed out */
    FAULT_FREE,        /* is free already */
    FAULT_OVERWRITTEN, /* a free block was written to */
    FAULT_OVERRUN,     /* written past the end (full tier) */
    FAULT_RECORDS,     /* the heap's records of free pages do not agree */
};

/* Panics with a sentence that names the block (with WEFT_CONFIG_HEAP_REPORT_RETURNS: prints it and
 * returns; the block is then left alone). No lock is held. Any context. */
void report_fault(enum heap_fault fault, uintptr_t address);

/* For weft_heap_check: prints what is wrong and where; returns WEFT_ESTATE. */
int report_state(const char *what, uintptr_t address);

#endif
