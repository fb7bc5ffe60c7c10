/* SPDX-License-Identifier: MIT */
/* A thread raises the CPU exception that the first argument names; with "slot" as the second, in a
 * branch's delay slot. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weft/thread.h>

static int word;

/* The instruction alone, then in a delay slot of a branch that is taken. */
#define RAISER(name, instruction, operand)                                                         \
    static __attribute__((noinline)) void name(void)                                               \
    {                                                                                              \
        __asm__ volatile(".set push\n\t.set noreorder\n\t.set noat\n\t" instruction                \
                         "\n\tnop\n\t.set pop" ::"r"(operand)                                      \
                         : "memory", "$2", "$3");                                                  \
    }                                                                                              \
    static __attribute__((noinline)) void name##_slot(void)                                        \
    {                                                                                              \
        __asm__ volatile(".set push\n\t.set noreorder\n\t.set noat\n\tb 1f\n\t" instruction        \
                         "\n1:\tnop\n\t.set pop" ::"r"(operand)                                    \
                         : "memory", "$2", "$3");                                                  \
    }

RAISER(misaligned_load, "lw $2, 1(%0)", &word)
RAISER(misaligned_store, "sw $2, 2(%0)", &word)
RAISER(unmapped_load, "lw $2, 0xbd0(%0)", 0)
RAISER(unmapped_store, "sw $2, 0xbd0(%0)", 0xc0000000u)
RAISER(bus_load, "lw $2, 0(%0)", 0x00400000u)
RAISER(reserved, ".word 0x7000003e", 0)
RAISER(overflow, "add $2, %0, %0", 0x7fffffff)
RAISER(trap, "teq %0, %0", 0)
RAISER(breakpoint, "break 5", 0)
RAISER(system_call, "syscall", 0)
RAISER(coprocessor, "lwc2 $2, 0(%0)", &word)

static __attribute__((noinline)) void misaligned_fetch(void)
{
    volatile uintptr_t odd = (uintptr_t)&word + 2;

    ((void (*)(void))odd)();
    word++; /* not a tail call */
}

static __attribute__((noinline)) void unmapped_fetch(void)
{
    volatile uintptr_t nowhere = 0xc0001000u;

    ((void (*)(void))nowhere)();
    word++;
}

#define PAGE 0x00400000u
#define TLB_UNCACHED_VALID_GLOBAL (2u << 3 | 2 | 1)

/* TLB entry 0: a page at PAGE that may be read, not written. */
static void map_read_only(uint32_t physical)
{
    uint32_t low = physical >> 12 << 6 | TLB_UNCACHED_VALID_GLOBAL;

    __asm__ volatile("mtc0 $0, $5\n\t"  /* PageMask: 4 KiB */
                     "mtc0 $0, $0\n\t"  /* Index */
                     "mtc0 %0, $10\n\t" /* EntryHi */
                     "mtc0 %1, $2\n\t"
                     "mtc0 %1, $3\n\t"
                     "ehb\n\ttlbwi\n\tehb" ::"r"(PAGE),
                     "r"(low)
                     : "memory");
}

/* Cause 1, "TLB modified". */
static __attribute__((noinline)) void read_only(void)
{
    map_read_only((uintptr_t)&word & 0x1fffffffu);
    *(volatile int *)PAGE = 1;
}

static __attribute__((noinline)) void bus_fetch(void)
{
    volatile uintptr_t page = PAGE;

    ((void (*)(void))page)();
    word++;
}

static __attribute__((noinline)) void read_only_slot(void)
{
    map_read_only((uintptr_t)&word & 0x1fffffffu);
    __asm__ volatile(
        ".set push\n\t.set noreorder\n\tb 1f\n\tsw $0, 0(%0)\n1:\tnop\n\t.set pop" ::"r"(PAGE)
        : "memory");
}

static __attribute__((noinline)) void floating_point(void)
{
    volatile double zero = 0, one = 1;

    __asm__ volatile("ctc1 %0, $31" ::"r"(1 << 10)); /* FCSR: division by zero is enabled */
    one = one / zero;
}

static __attribute__((noinline)) void floating_point_slot(void)
{
    volatile double zero = 0, one = 1;

    __asm__ volatile(".set push\n\t.set noreorder\n\tctc1 %0, $31\n\tb 1f\n\t"
                     "div.d %1, %1, %2\n1:\tnop\n\t.set pop" ::"r"(1 << 10),
                     "f"(one), "f"(zero));
}

/* As a broken cache does it (MIPS32 PRA, MD00090): Status.ERL, the place in ErrorEPC, no code in
 * Cause, and uncached code from the vector on. */
static __attribute__((noinline)) void cache_error(void)
{
    __asm__ volatile(".set push\n\t.set noreorder\n\tla $2, 1f\n\tmtc0 $2, $30\n\t"
                     "la $3, arch_vector_cache_error\n\tlui $2, 0x2000\n\tor $3, $3, $2\n\t"
                     "mfc0 $2, $12\n\tori $2, $2, 4\n\tmtc0 $2, $12\n\tehb\n\tjr $3\n\tnop\n"
                     "1:\tnop\n\t.set pop" ::
                         : "memory", "$2", "$3");
    word++;
}

RAISER(vector, ".word 0x78be0019", 0) /* move.v $w0, $w0 */

static const struct {
    const char *name;
    void (*raise)(void), (*raise_in_slot)(void);
} ways[] = {
    {"misaligned-load", misaligned_load, misaligned_load_slot},
    {"misaligned-store", misaligned_store, misaligned_store_slot},
    {"misaligned-fetch", misaligned_fetch, NULL},
    {"unmapped-fetch", unmapped_fetch, NULL},
    {"bus-fetch", bus_fetch, NULL},
    {"unmapped-load", unmapped_load, unmapped_load_slot},
    {"unmapped-store", unmapped_store, unmapped_store_slot},
    {"bus-load", bus_load, bus_load_slot},
    {"read-only", read_only, read_only_slot},
    {"reserved", reserved, reserved_slot},
    {"overflow", overflow, overflow_slot},
    {"trap", trap, trap_slot},
    {"breakpoint", breakpoint, breakpoint_slot},
    {"system-call", system_call, system_call_slot},
    {"coprocessor", coprocessor, coprocessor_slot},
    {"floating-point", floating_point, floating_point_slot},
    {"cache-error", cache_error, NULL},
    {"vector", vector, vector_slot},
};

static bool in_slot;

static void *victim(void *argument)
{
    if (strncmp(argument, "bus-", 4) == 0)
        map_read_only(0x30000000); /* nothing is there */
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argument, ways[i].name) == 0)
            (in_slot ? ways[i].raise_in_slot : ways[i].raise)();
    return NULL;
}

int main(int argc, char **argv)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *thread;

    attr.name = "victim";
    in_slot = argc > 2;
    if (argc < 2 || weft_thread_spawn(&thread, &attr, victim, argv[1]) != 0)
        return 2;
    return weft_thread_join(thread, NULL) == 0 ? 0 : 3;
}
