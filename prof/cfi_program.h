/* SPDX-License-Identifier: MIT */
/* The DW_CFA_ machine: runs the programs of a CIE and of an FDE until the row of one pc stands. */
#ifndef PROF_CFI_PROGRAM_H
#define PROF_CFI_PROGRAM_H

#include "prof/cfi_reader.h"

/* remember_state nests this deep. gcc uses one level; a deeper program gives "no row". */
#define CFI_REMEMBER_DEPTH 3

/* What a CIE says to all its FDEs. */
struct cfi_common {
    struct cfi_reader program;
    cfi_word code_align;
    int32_t data_align;
    uint8_t return_column;
    uint8_t pointer_encoding;
    bool has_sizes; /* augmentation 'z': FDEs carry augmentation data */
    bool signal_frame;
};

struct cfi_machine {
    const struct cfi_section *frames;
    const struct cfi_common *common;
    struct cfi_reader reader;
    cfi_word pc;            /* the row that is wanted */
    cfi_word location, end; /* the current row's first pc, and the first behind it */
    unsigned steps;
    unsigned remembered;
    bool found; /* the row of pc is complete: location <= pc < end */
    struct cfi_state *state;
    struct cfi_state initial;
    struct cfi_state stack[CFI_REMEMBER_DEPTH];
};

/* Runs the CIE's program and then `program` over *machine->state. The caller has set frames,
 * common, pc, state, location (the FDE's first pc) and end (behind its last). False: not
 * understood. */
bool cfi_program_run(struct cfi_machine *machine, struct cfi_reader program);

#endif
