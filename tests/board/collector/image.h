/* SPDX-License-Identifier: MIT */
/* What the cases share, and the cases (image.c). */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdint.h>
#include <weft/weft.h>

#include "../firmware.h"

struct cell {
    struct cell *next;
    uint32_t value, check;
    void *payload; /* pointer-free, `value % 200` bytes that are all the same */
};

struct cell *cell_make(uint32_t value, struct cell *next);
void cell_check(const struct cell *cell);

struct cell32 {
    struct cell32 *left, *right;
    uint32_t words[(32 - 2 * sizeof(void *)) / 4];
};

extern struct cell32 *volatile tree;
struct cell32 *tree_make(unsigned objects);

void thread_run(void *(*entry)(void *argument), void *argument);

extern uint32_t mutators_cells; /* each worker's */
void mutators(void);
void exhaustion(void);
void places(void);
void helping(void);
void profile(void);

/* refusals.c */
void allocation_pinned(void);
void under_lock(void);
void in_interrupt(void);
void alloc_in_interrupt(void);
void root_twice(void);
void root_wraps(void);
void finalizer_ends(void);
void preemption_off(void);
void world_stopped(void);
void on_system_stack(void);

#endif
