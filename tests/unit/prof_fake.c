/* SPDX-License-Identifier: MIT */
#include "prof_fake.h"

#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/console.h>
#include <weft/thread.h>
#include <weft/world.h>

#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "mem/watch.h"
#include "prof/image.h"
#include "sched/world.h"

bool fake_irq_on = true;
uint64_t fake_cycles;
uint32_t fake_rate_hz;
unsigned fake_console_locks, fake_console_unlocks;
unsigned char fake_console[1 << 22];
size_t fake_console_bytes;
uintptr_t fake_atomic64_start, fake_atomic64_end;
uintptr_t fake_trap_return;
void (*fake_now_hook)(void);
uint32_t wait_watchers, spawn_watchers;
struct core cores[WEFT_CONFIG_CORES];

struct core *fake_core_pointer(void)
{
    return &cores[0];
}
struct scheduler schedulers[WEFT_CONFIG_CORES];

static struct weft_thread *all_threads;

__asm__(".section .rodata\n"
        ".globl arch_switch_begin, arch_switch_end\n"
        "arch_switch_begin: .zero 64\n"
        "arch_switch_end:\n"
        ".previous\n");

void fake_reset(void)
{
    fake_irq_on = true;
    fake_cycles = 1000000;
    fake_rate_hz = 0;
    fake_console_bytes = 0;
    fake_console_locks = fake_console_unlocks = 0;
    fake_atomic64_start = fake_atomic64_end = 0;
    fake_trap_return = 0;
    fake_now_hook = NULL;
    wait_watchers = 0;
    memset(cores, 0, sizeof cores);
    memset(schedulers, 0, sizeof schedulers);
    cores[0].system_stack_lo = 0x1000;
    cores[0].system_stack_hi = 0x2000;
    all_threads = NULL;
}

void fake_thread_add(struct weft_thread *thread, uint32_t id, const char *name, uintptr_t lo,
                     uintptr_t hi)
{
    struct weft_thread **last = &all_threads;

    memset(thread, 0, sizeof *thread);
    thread->magic = THREAD_MAGIC;
    thread->id = id;
    thread->name = name;
    thread->stack_lo = lo;
    thread->stack_hi = hi;
    while (*last != NULL)
        last = &(*last)->all_next;
    *last = thread;
}

void fake_thread_run(struct weft_thread *thread)
{
    thread->state = THREAD_RUNNING;
    thread->on_core = 1;
    cores[0].current = thread;
}

void fake_host_stack(uintptr_t *lo, uintptr_t *hi)
{
    pthread_attr_t attributes;
    void *start;
    size_t bytes;

    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &start, &bytes);
    pthread_attr_destroy(&attributes);
    *lo = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15;
    *lo -= 65536; /* what the callees use; the lower part of the mapping may not exist yet */
    *hi = (uintptr_t)start + bytes;
}

void *fake_context(void *stack_top, void (*entry)(void))
{
    extern const char fake_first_return[];
    uintptr_t *parked = (uintptr_t *)stack_top - 9; /* 16-aligned when it calls */

    memset(parked, 0, 8 * sizeof *parked);
    parked[0] = (uintptr_t)entry;
    parked[6] = (uintptr_t)fake_first_return;
    return parked;
}

/* ---- arch ---- */

void arch_unwind_from_frame(struct arch_unwind *registers, const struct arch_frame *frame)
{
    memcpy(registers->value, frame->value, sizeof registers->value);
    registers->pc = frame->value[ARCH_UNWIND_RA];
}

void arch_unwind_tracked_from_frame(struct arch_unwind *registers, const struct arch_frame *frame,
                                    uint32_t mask)
{
    mask |= 1u << ARCH_UNWIND_SP | 1u << ARCH_UNWIND_RA;
    memset(registers, 0xa5, sizeof *registers); /* nobody may look at the others */
    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++)
        if ((mask >> i & 1) != 0)
            registers->value[i] = frame->value[i];
    registers->pc = frame->value[ARCH_UNWIND_RA];
}

void arch_unwind_from_parked(struct arch_unwind *registers, const void *saved_sp)
{
    static const unsigned char order[] = {3, 6, 12, 13, 14, 15};
    const uintptr_t *parked = saved_sp;

    memset(registers, 0, sizeof *registers);
    for (unsigned i = 0; i < sizeof order; i++)
        registers->value[order[i]] = parked[i];
    registers->pc = parked[6];
    registers->value[ARCH_UNWIND_SP] = (uintptr_t)(parked + 7);
}

bool arch_unwind_leaf(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    uintptr_t sp = registers->value[ARCH_UNWIND_SP];

    if (sp < lo || sp >= hi || hi - sp < sizeof sp || sp % sizeof sp != 0)
        return false;
    registers->pc = *(const uintptr_t *)sp;
    registers->value[ARCH_UNWIND_SP] = sp + sizeof sp;
    return true;
}

bool arch_unwind_through_trap(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    uintptr_t sp = registers->value[ARCH_UNWIND_SP];

    if (registers->pc != fake_trap_return || fake_trap_return == 0)
        return false;
    if (sp < lo || hi < sp || hi - sp < sizeof(struct arch_frame))
        return false;
    arch_unwind_from_frame(registers, (const struct arch_frame *)sp);
    return true;
}

/* ---- kernel and sched ---- */

uint64_t tick_start_irqoff(uint32_t rate_hz)
{
    if (fake_irq_on)
        abort();
    fake_rate_hz = rate_hz;
    return rate_hz * 1000ull + 1; /* the timer rounds */
}

void tick_restore_irqoff(void)
{
    if (fake_irq_on)
        abort();
    fake_rate_hz = 0;
}

uint64_t tick_cycles_to_ns(uint64_t cycles)
{
    return cycles;
}

uint64_t tick_now(void)
{
    if (fake_now_hook != NULL)
        fake_now_hook();
    return fake_cycles;
}

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "assertion failed: %s (%s:%d)\n", condition, file, line);
    abort();
}

void weft_thread_yield(void)
{
}

/* Threads that prof spawns never run: tests do their work. */
int weft_thread_spawn(struct weft_thread **thread, const struct weft_thread_attr *attr,
                      void *(*entry)(void *argument), void *argument)
{
    static struct weft_thread made;

    (void)attr, (void)entry, (void)argument;
    *thread = &made;
    return 0;
}

int weft_thread_join(struct weft_thread *thread, void **result)
{
    (void)thread, (void)result;
    return 0;
}

void weft_thread_sleep_ns(uint64_t ns)
{
    (void)ns;
}

bool upcall_interrupt(struct arch_frame *frame, uintptr_t pending)
{
    (void)frame, (void)pending;
    return false;
}

bool upcall_timer(struct arch_frame *frame)
{
    (void)frame;
    return false;
}

void weft_panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

void upcall_preempt_pending(void)
{
}

struct weft_thread *thread_all_first(void)
{
    return all_threads;
}

size_t weft_thread_count(void)
{
    size_t count = 0;

    for (const struct weft_thread *at = all_threads; at != NULL; at = at->all_next)
        count += !at->runtime;
    return count;
}

const char *thread_wait_name(enum thread_wait reason)
{
    return reason == WAIT_SLEEP           ? "sleep"
           : reason == WAIT_QUEUE_RECEIVE ? "queue receive"
                                          : "other";
}

/* ---- console ---- */

void board_console_write(const char *bytes, size_t count)
{
    if (fake_console_bytes + count > sizeof fake_console)
        abort();
    memcpy(fake_console + fake_console_bytes, bytes, count);
    fake_console_bytes += count;
}

bool upcall_console_lock(void)
{
    fake_console_locks++;
    return true;
}

void upcall_console_unlock(void)
{
    fake_console_unlocks++;
}

const struct upcall_profiler *upcall_profiler;
const struct upcall_sites *upcall_sites;
bool (*upcall_diverted)(const char *format, va_list arguments);

static void console_sink_write(struct print_sink *sink, const char *bytes, size_t count)
{
    (void)sink;
    board_console_write(bytes, count);
}

void print_console(const char *format, ...)
{
    struct print_sink sink = {console_sink_write};
    va_list arguments;

    va_start(arguments, format);
    if (!upcall_print_diverted(format, arguments))
        print_format(&sink, format, arguments);
    va_end(arguments);
}

/* ---- the image: this program's own ---- */

static struct cfi_tables own_tables;

/* .eh_frame has no end of its own in the program headers; the segment's end bounds it. */
static int find_tables(struct dl_phdr_info *info, size_t size, void *argument)
{
    const unsigned char *index = NULL;

    (void)size;
    (void)argument;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME) {
            index = (const unsigned char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            own_tables.index.start = index;
            own_tables.index.end = index + info->dlpi_phdr[i].p_memsz;
            /* eh_frame_ptr: pcrel | sdata4, as ld writes it */
            own_tables.frames.start = index + 4 + *(const int32_t *)(const void *)(index + 4);
        }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        const unsigned char *start = (const unsigned char *)info->dlpi_addr + header->p_vaddr;

        if (header->p_type == PT_LOAD && start <= index && index < start + header->p_memsz)
            own_tables.frames.end = start + header->p_memsz;
    }
    return 1; /* the first is the program itself */
}

bool image_row(uintptr_t pc, struct cfi_row *row, struct cfi_section *blocks)
{
    if (own_tables.index.start == NULL)
        dl_iterate_phdr(find_tables, NULL);
    *blocks = own_tables.frames;
    return cfi_find(&own_tables, pc, row);
}

uintptr_t image_text_start(void)
{
    return 0x123456789a;
}

uintptr_t image_text_end(void)
{
    return 0x123456f000;
}

bool image_in_atomic64(uintptr_t pc)
{
    return pc - fake_atomic64_start < fake_atomic64_end - fake_atomic64_start;
}

const unsigned char *image_build_id(uint32_t *bytes)
{
    static const unsigned char id[] = {1, 2, 3, 0xfd, 0xfe, 0xff, 7}; /* not a multiple of 4 */

    *bytes = sizeof id;
    return id;
}

/* ---- the world: never stopped here ---- */

bool world_may_stop(void)
{
    return false;
}

void weft_world_stop(const char *reason)
{
    (void)reason;
}

void weft_world_start(void)
{
}

/* ---- stacks without guards ---- */

uintptr_t thread_stack_floor(const struct weft_thread *thread)
{
    return thread->stack_lo;
}

/* ---- the heap: watched by whoever asks, without anything to see ---- */

const struct heap_watcher *fake_heap_watcher;

void heap_watch(const struct heap_watcher *watcher)
{
    fake_heap_watcher = watcher;
}
