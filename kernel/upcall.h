/* SPDX-License-Identifier: MIT */
/* What the kernel calls upwards into sched, mem and prof, by name at link time. */
#ifndef KERNEL_UPCALL_H
#define KERNEL_UPCALL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

struct core;
struct arch_frame;

/* The cycle counter, when upcall_boot was entered. */
extern uint32_t boot_cycles;

/* mem: hands over the board's regions (board_heap_region) and makes malloc work. Boot, one thread.
 */
void upcall_heap_init(void);

/* sched: makes the structures of all cores. Boot, before other cores start. */
void upcall_sched_init(void);

/* sched: this core, not core 0, becomes its idle thread and runs what it finds. */
_Noreturn void upcall_sched_start_core(void);

/* sched: makes the boot context thread 1 and starts it in `main_thread`. Does not return. */
_Noreturn void upcall_sched_start(void (*main_thread)(void));

/* sched: the running thread's number; 0: in a handler, or before there are threads. With
 * several cores: interrupts off. */
uint32_t upcall_thread_number(void);

/* prof, but only once a program has started a profile: set by weft_profile_start, and by
 * weft_stack. An image that calls neither has neither the profiler nor these in it. */
struct weft_thread;
struct upcall_profiler {
    void (*sample)(struct core *core, const struct arch_frame *frame,
                   uint32_t due);                                /* upcall_sample */
    void (*waited)(struct weft_thread *thread, unsigned reason); /* upcall_waited */
    void (*crash)(void);                                         /* upcall_profile_crash */
};
extern const struct upcall_profiler *upcall_profiler; /* kernel/panic.c */

/* The same of the profiles by place (weft/sites.h), from the first weft_sites_start on. */
struct upcall_sites {
    /* The calling thread has waited since thread_wait_since for `reason` (enum thread_wait). Only
     * while wait_watchers > 0. Interrupts off, the scheduler's lock held. */
    void (*waited)(struct weft_thread *thread, unsigned reason);
    /* The calling thread makes a thread. Only while spawn_watchers > 0. */
    void (*spawning)(void);
    /* A handler of `source` (0: the timer; else what the port or board calls it) has taken so many
     * cycles. Only while core->handlers_watched > 0. Interrupts off. */
    void (*handler_took)(const struct core *core, unsigned source, uint64_t cycles);
};
extern const struct upcall_sites *upcall_sites;                        /* kernel/trap.c */
extern bool (*upcall_diverted)(const char *format, va_list arguments); /* kernel/console.c */
extern bool (*upcall_console_byte)(
    int byte); /* kernel/console.c; true: it is no input (prof/remote.c) */

/* prof: a tick landed on `frame`, late by so much that it stands for `due` of them; takes the
 * sample. Before upcall_sched_slice. Interrupts off. */
void upcall_sample(struct core *core, const struct arch_frame *frame, uint32_t due);

/* prof: `thread`, the calling one, has waited since thread_wait_since for `reason` (enum
 * thread_wait), and runs again. Only while wait_watchers says that prof wants to know. Interrupts
 * off, the scheduler's lock held. */
void upcall_waited(struct weft_thread *thread, unsigned reason);

/* sched: a periodic tick: the current thread's time slice is that much shorter. Interrupts off. */
void upcall_sched_slice(struct core *core);

/* sched: core->wake_deadline has passed: wakes the sleepers that are due and sets the next one.
 * Interrupts off. */
void upcall_sched_wake(struct core *core, uint64_t now_cycles);

/* sched: does this core run a thread, or has one to run, or does a watched core rely on its tick?
 * Timer interrupt. */
bool upcall_sched_needs_tick(const struct core *core);

/* sched: at the outermost trap exit with a switch wanted: is preempting the frame allowed now?
 * Ends an idle thread's wait. */
bool upcall_sched_may_preempt(struct core *core, struct arch_frame *frame);

/* sched: is `address` in the guard page of the current thread's stack, or between that and the
 * stack pointer? Its name; NULL: no. */
const char *upcall_overflowed(uintptr_t address, uintptr_t sp);

/* sched: the application's handler lets the current thread go on after a WEFT_TRAP_PAGE, which may
 * have been an overflow of its stack. */
void upcall_page_trap_handled(void);

/* sched: may the calling thread stop the world? Then, with the world stopped: hands every stretch
 * of memory in which threads keep words (their registers, stacks and control blocks) to `visit`.
 * Idle threads keep none; these are their stacks, and where the control block of a core's is. */
bool upcall_world_may_stop(void);
extern unsigned char upcall_idle_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_IDLE_STACK_BYTES];
void upcall_world_idle(unsigned core, uintptr_t *lo, uintptr_t *hi);
void upcall_world_roots(void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context);

/* sched: has the other cores, which the calling thread's stop of the world has parked, call
 * help(core) in their idle threads, once or more, interrupts on, until the end is asked for: that
 * returns when no core is in it any more. Only with more than one core. */
void upcall_world_help_begin(void (*help)(unsigned core));
void upcall_world_help_end(void);

/* sched: the heap has nothing left, or the program scavenges: gives back what ended threads left to
 * be used again. Was there any? Thread context, no lock held. */
bool upcall_memory_pressure(void);

/* prof: prints stacks (kernel/panic.c and the console break use these). Any context. */
void upcall_dump_frame(const struct arch_frame *frame); /* from a trap frame */
void upcall_dump_here(void);                            /* the caller's */
void upcall_dump_threads(void);                         /* every thread, the current one first */

/* prof: the system is going down: a running profile is ended, counters that wait for a sample are
 * written to it, and it is sent. The other cores stand still. */
void upcall_profile_crash(void);

/* sched: the calling thread may sleep on the console's mutex (a thread, scheduler started,
 * interrupts on). */
bool upcall_console_lock(void);
void upcall_console_unlock(void);

/* sched: the sleeping lock of place `index` in the table of open files (kernel/newlib_file.c),
 * below WEFT_CONFIG_FILES: made, taken, let go of. Taking it does nothing where nobody may sleep.
 */
void upcall_file_lock_init(unsigned index);
void upcall_file_lock(unsigned index);
void upcall_file_unlock(unsigned index);

/* prof: this thread's output goes into a buffer (weft_stack): true when it went there. */
bool upcall_print_diverted(const char *format, va_list arguments);

#endif
