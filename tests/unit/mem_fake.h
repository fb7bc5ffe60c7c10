/* SPDX-License-Identifier: MIT */
/* The world around the allocator, for host tests: a board with memory, a console, a panic. */
#ifndef MEM_FAKE_H
#define MEM_FAKE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/heap.h>

#include "kernel/core.h"

#define FAKE_REGIONS 4

/* Boots the heap on the board regions of these sizes (0 ends). Once per process: Criterion forks
 * per test. */
void fake_boot(size_t bytes0, size_t bytes1);

/* Forgets the heap and its memory: fake_boot may come again. */
void fake_reset(void);

/* Memory that the board has not given to the heap; aligned to 4096. */
void *fake_memory(size_t bytes);

extern uint8_t *fake_region_start[FAKE_REGIONS];
extern size_t fake_region_bytes[FAKE_REGIONS];

/* Bytes that the board holds now, and that it ever got; a release or commit that does not fit what
 * was done before fails the test. Released memory is filled with 0xdd. */
extern size_t fake_released_bytes;
extern unsigned fake_releases, fake_commits;

/* Console output since the last fake_console_clear. */
extern char fake_console[65536];
void fake_console_clear(void);

/* Runs the statement; true when it panicked, with the sentence in fake_panic_text. */
extern jmp_buf fake_panic_jump;
extern bool fake_panic_expected;
extern char fake_panic_text[512];
void fake_panic_after(void);

#define FAKE_PANICS(statement)                                                                     \
    ({                                                                                             \
        volatile bool panicked_ = true;                                                            \
        fake_panic_expected = true;                                                                \
        fake_panic_text[0] = 0;                                                                    \
        if (setjmp(fake_panic_jump) == 0) {                                                        \
            statement;                                                                             \
            panicked_ = false;                                                                     \
        }                                                                                          \
        fake_panic_after();                                                                        \
        panicked_;                                                                                 \
    })

/* A handler on the running core; `busy`: it interrupted something with preemption off. */
void fake_interrupt_enter(bool busy);
void fake_interrupt_leave(bool busy);

/* Times that a pending switch was taken. */
extern unsigned fake_switches;

/* Interrupts sent to other cores; times that the world was stopped. */
extern unsigned fake_ipis, fake_world_stops;

/* The number of the thread that runs. */
extern uint32_t fake_thread_id;

/* Called by whoever asks for it. */
extern void (*fake_thread_hook)(void);

/* A reproducible stream of random numbers. */
uint64_t fake_random(uint64_t *state);

/* The identities of requirements A3, the checker, and the board's view of what is released. */
void fake_check_quiescent(void);

#endif
