/* SPDX-License-Identifier: MIT */
/* What the hosted port's files share, and what its board may use. signal.c has the essay. */
#ifndef ARCH_AMD64_HOSTED_HOSTED_H
#define ARCH_AMD64_HOSTED_HOSTED_H

/* Offsets in struct hosted_core, for assembly; the first words are those of struct amd64_core. */
#define HOSTED_ID 0
#define HOSTED_IRQ_OFF 4
#define HOSTED_CORE 8
#define HOSTED_PENDING 16
#define HOSTED_CURRENT 24
#define HOSTED_CORE_BYTES 64

/* Between a preempted thread's red zone and its moved frame: its flags, and the pc to go on at. */
#define RESUME_BYTES 16

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

#if WEFT_CONFIG_SYSTEM_STACK_BYTES < 16384
#error "WEFT_CONFIG_SYSTEM_STACK_BYTES must be at least 16384 in a process, whose signals take it"
#endif

struct arch_frame;
struct core;
struct weft_thread;

/* Per core, at GS when there are several. */
struct hosted_core {
    uint32_t id;
    volatile uint32_t irq_off; /* 1: interrupts off. Starts as 1. */
    struct core *core;
    volatile uint32_t pending; /* enum hosted_interrupt: came while they were off */
    int32_t tid;               /* of the core's pthread: signals go there */
    struct weft_thread *current;
    int32_t timer;                   /* the kernel's number for it */
    uint64_t armed;                  /* cycles: what the timer is set to */
    int *errno_at;                   /* the pthread's errno */
    uint32_t exceptions;             /* being handled */
    const struct amd64_units *units; /* at the latest of them; for a report */
    uint16_t put_off;                /* signals in a row (ThreadSanitizer: signal.c) */
    uint16_t patience;               /* how many of them before it goes */
    uint16_t steps_left;             /* instruction by instruction, > 0: as it does */
    bool ready; /* signals are interrupts; until then one only shows how large its frame is */
} __attribute__((aligned(HOSTED_CORE_BYTES)));

extern struct hosted_core hosted_cores[WEFT_CONFIG_CORES];

enum hosted_interrupt {
    HOSTED_TIMER = 1,
    HOSTED_IPI = 2,
    HOSTED_DEVICE = 4, /* the board's; what board_interrupt gets as `pending` */
    HOSTED_SOFT = 8,   /* and the next bit: software interrupts */
};

/* Real-time signals that neither glibc nor valgrind uses. */
#define HOSTED_SIGNAL_TIMER 44
#define HOSTED_SIGNAL_IPI 45
#define HOSTED_SIGNAL_DEVICE 46

/* System calls without libc: errno stays what it is, and no sanitizer looks. A negative error. */
static inline long hosted_syscall(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

/* The same pc tests as on bare metal, by address: may a thread lose the core at `pc`? Only in the
 * image's own code, outside the port's few instructions that resume threads. */
bool hosted_may_preempt(uintptr_t pc);

/* The calling pthread is core `id` from now on: core_self() works. */
void hosted_core_claim(unsigned id);

/* A signal to the pthread of `core`. Any context, any pthread. */
void hosted_interrupt_send(unsigned core, int signal);

/* Interrupts that came while they were off are handled now: called with them on (interrupt.S). */
void hosted_irq_take(void);

/* From interrupt.S, on the system stack, interrupts off: the verdict. */
bool hosted_pending(struct arch_frame *frame);

/* From interrupt.S: a signal. Fills *frame, and changes what the signal returns to. */
void hosted_signal(int signal, const void *info, void *context, struct arch_frame *frame);

/* interrupt.S */
extern const char hosted_signal_entry[], hosted_signal_return[];
extern const char hosted_resume_begin[], hosted_resume_end[];
extern const char hosted_idle_begin[], hosted_idle_end[];
extern const char arch_preempt[];

extern uint8_t amd64_vector_kind;
extern uint64_t hosted_vector_features;

/* For a sanitizer: nothing in [lo, hi) of a stack is out of bounds (stack.c). */
void hosted_stack_clean(uintptr_t lo, uintptr_t hi);

/* How far the vector state reaches, as a signal's frame shows it. */
void hosted_vector_size(const void *state);
size_t hosted_vector_bytes(void);

/* Notes what else is mapped (modules.c). Boot. */
void hosted_modules_init(void);

/* Cycles per second of the clock; measures it at the first call, which takes 10 ms. */
uint64_t hosted_clock_hz(void);

/* Makes the timer interrupt again soon: a switch was wanted where none is possible. */
void hosted_clock_retry_irqoff(void);
#endif

#endif
