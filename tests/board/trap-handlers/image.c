/* SPDX-License-Identifier: MIT */
/*
 * An application's own handlers: repair a pointer and run the instruction again, go on elsewhere,
 * skip an instruction (in delay slots too, MIPS), wake a thread, decline. The first argument names
 * a case that ends in a report.
 */
#include <stdint.h>
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#define NOWHERE ((volatile int *)0xbd0) /* in the page that no board maps */

static int treasure = 4711;
static volatile unsigned calls;
static uintptr_t recover_at;

#if defined(__mips__)
#define POINTER_REGISTER 4 /* a0 */
static __attribute__((noinline)) int load_from(volatile int *pointer)
{
    register volatile int *at __asm__("$4") = pointer;
    int value;

    __asm__ volatile("lw %0, 0(%1)" : "=r"(value) : "r"(at) : "memory");
    return value;
}
#else
#define POINTER_REGISTER 5 /* rdi */
static __attribute__((noinline)) int load_from(volatile int *pointer)
{
    register volatile int *at __asm__("rdi") = pointer;
    int value;

    __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(at) : "memory");
    return value;
}
#endif

static bool repair(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    uintptr_t address, value;

    calls++;
    CHECK(cause == WEFT_TRAP_PAGE && argument == &treasure);
    CHECK(weft_trap_address(trap, &address) && address == (uintptr_t)NOWHERE);
    CHECK(weft_trap_register(trap, POINTER_REGISTER, &value) == 0 && value == address);
    CHECK(weft_trap_register(trap, 4000, &value) == WEFT_EINVAL);
    CHECK(weft_trap_set_register(trap, POINTER_REGISTER, (uintptr_t)&treasure) == 0);
    return true;
}

static void repaired_pointer(void)
{
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, repair, &treasure) == 0);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(load_from(NOWHERE) == 4711);
    CHECK(calls == 1000);
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, NULL, NULL) == 0);
    CHECK(weft_trap_handle(WEFT_TRAP_CAUSES, repair, NULL) == WEFT_EINVAL);
}

/* ---- every cause, by its name ---- */

static enum weft_trap_cause found;

static bool go_on_elsewhere(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    calls++;
    found = cause;
    weft_trap_set_pc(trap, recover_at);
    return argument == NULL;
}

/* Code that traps, and is left for the label behind it. */
#if defined(__mips__)
#define LEAVES(instruction)                                                                        \
    __asm__ volatile("la $8, 1f\n\tsw $8, %0\n\t" instruction "\n1:"                               \
                     : "=m"(recover_at)::"$8", "$f0", "$f2", "$f4", "memory")
#else
#define LEAVES(instruction)                                                                        \
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\t" instruction "\n1:"              \
                     : "=m"(recover_at)::"rax", "rcx", "rdx", "st", "memory")
#endif

#define TRAPS(cause, instruction)                                                                  \
    do {                                                                                           \
        unsigned before = calls;                                                                   \
                                                                                                   \
        LEAVES(instruction);                                                                       \
        CHECK(calls == before + 1 && found == (cause));                                            \
    } while (0)

#if defined(__mips__)
/* TLB entry 0: a page that may be read, of memory that is not there. */
#define MAP_NOTHING                                                                                \
    "li $8, 0x400000\n\tmtc0 $0, $5\n\tmtc0 $0, $0\n\tmtc0 $8, $10\n\t"                            \
    "li $8, 0x30000000 >> 6 | 2 << 3 | 3\n\tmtc0 $8, $2\n\tmtc0 $8, $3\n\tehb\n\ttlbwi\n\tehb\n\t"

static void causes(void)
{
    TRAPS(WEFT_TRAP_ADDRESS, "la $8, 1f + 1\n\tlw $8, 0($8)");
    TRAPS(WEFT_TRAP_ADDRESS, "la $8, 1f + 2\n\tsw $8, 0($8)");
    TRAPS(WEFT_TRAP_BUS, MAP_NOTHING "li $8, 0x400000\n\tlw $8, 0($8)");
    TRAPS(WEFT_TRAP_PAGE, "li $8, 0x400000\n\tsw $8, 0($8)");
    TRAPS(WEFT_TRAP_PAGE, "lw $8, 0xbd0($0)");
    TRAPS(WEFT_TRAP_PAGE, "sw $8, 0xbd0($0)");
    TRAPS(WEFT_TRAP_INSTRUCTION, ".word 0x7000003e");
    TRAPS(WEFT_TRAP_BREAKPOINT, "break 7");
    TRAPS(WEFT_TRAP_SYSTEM_CALL, "syscall");
    TRAPS(WEFT_TRAP_OVERFLOW, "li $8, 0x7fffffff\n\tadd $8, $8, $8");
    TRAPS(WEFT_TRAP_CONDITION, "teq $0, $0");
    TRAPS(WEFT_TRAP_COPROCESSOR, "lwc2 $2, 0($29)");
    TRAPS(WEFT_TRAP_FLOATING_POINT, "li $8, 1 << 10\n\tctc1 $8, $31\n\tmtc1 $0, $f0\n\t"
                                    "li $8, 0x3f800000\n\tmtc1 $8, $f2\n\tdiv.s $f4, $f2, $f0");
}
#else
static void causes(void)
{
    TRAPS(WEFT_TRAP_PAGE, "movl 0xbd0, %%eax");
    TRAPS(WEFT_TRAP_BREAKPOINT, "int3");
    TRAPS(WEFT_TRAP_OVERFLOW, "int $4");
    TRAPS(WEFT_TRAP_INSTRUCTION, "ud2");
    TRAPS(WEFT_TRAP_DIVISION,
          "xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tmovl $1, %%eax\n\tdivl %%ecx");
    TRAPS(WEFT_TRAP_PROTECTION, "movabsq $0x8000000000000000, %%rax\n\tmovb $1, (%%rax)");
    TRAPS(WEFT_TRAP_FLOATING_POINT, "pushq $0x37b\n\tfldcw (%%rsp)\n\tfld1\n\tfldz\n\tfdivrp\n\t"
                                    "fwait\n1:\tpopq %%rax");
#if defined(__linux__) /* QEMU says "protection" */
    TRAPS(WEFT_TRAP_ADDRESS, "movq %%rbp, %%rcx\n\tmovabsq $0x8000000000000000, %%rbp\n\t"
                             "movb (%%rbp), %%al\n1:\tmovq %%rcx, %%rbp");
#else                  /* Linux lets nobody raise these */
    TRAPS(WEFT_TRAP_BREAKPOINT, "int $1");
    TRAPS(WEFT_TRAP_CONDITION, "int $5");
    TRAPS(WEFT_TRAP_OTHER, "int $20");
#endif
}
#endif

/* Uses the unit that has just raised an exception, which is the other thread's. */
static void *calculator(void *argument)
{
    volatile double third = 1;
    volatile long double half = 1;

    third /= 3;
    half /= 2;
    CHECK(third > 0.33 && third < 0.34 && half == 0.5L);
    return argument;
}

static void each_cause(void)
{
    struct weft_thread *thread;
    volatile double sum = 1;
    unsigned raised;

    calls = 0;
    for (int cause = 0; cause < WEFT_TRAP_CAUSES; cause++)
        CHECK(weft_trap_handle((enum weft_trap_cause)cause, go_on_elsewhere, NULL) == 0);
    causes();
    raised = calls;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(weft_thread_spawn(&thread, NULL, calculator, NULL) == 0);
        CHECK(weft_thread_join(thread, NULL) == 0);
        sum += 0.5;
    }
    CHECK(sum == 2.5 && calls == raised);
    for (int cause = 0; cause < WEFT_TRAP_CAUSES; cause++)
        CHECK(weft_trap_handle((enum weft_trap_cause)cause, NULL, NULL) == 0);
}

/* ---- skipping ---- */

static bool skip(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    (void)argument;
    calls++;
    return weft_trap_skip(trap) == 0;
}

#if defined(__mips__)
/* Each branch with a trapping load in its slot; 1 when it went where it should. */
#define BRANCH(setup, branch, taken)                                                               \
    ({                                                                                             \
        int went_;                                                                                 \
        __asm__ volatile(".set push\n\t.set noreorder\n\t" setup "\n\tli %0, 0\n\t" branch         \
                         "\n\tlw $8, 0xbd0($0)\n\tb 2f\n\tnop\n1:\tli %0, 1\n2:\n\t.set pop"       \
                         : "=r"(went_)::"$8", "$9", "$10", "$31", "memory");                       \
        went_ == (taken);                                                                          \
    })

static void skipped(void)
{
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, skip, NULL) == 0);
    calls = 0;
    (void)load_from(NOWHERE);
    CHECK(calls == 1);
    CHECK(BRANCH("", "b 1f", 1));
    CHECK(BRANCH("li $9, 3\n\tli $10, 3", "beq $9, $10, 1f", 1));
    CHECK(BRANCH("li $9, 3\n\tli $10, 4", "beq $9, $10, 1f", 0));
    CHECK(BRANCH("li $9, 3\n\tli $10, 4", "bne $9, $10, 1f", 1));
    CHECK(BRANCH("li $9, 3\n\tli $10, 3", "bne $9, $10, 1f", 0));
    CHECK(BRANCH("li $9, -1", "bltz $9, 1f", 1));
    CHECK(BRANCH("li $9, 0", "bltz $9, 1f", 0));
    CHECK(BRANCH("li $9, 0", "bgez $9, 1f", 1));
    CHECK(BRANCH("li $9, -1", "bgez $9, 1f", 0));
    CHECK(BRANCH("li $9, 0", "blez $9, 1f", 1));
    CHECK(BRANCH("li $9, 1", "blez $9, 1f", 0));
    CHECK(BRANCH("li $9, 1", "bgtz $9, 1f", 1));
    CHECK(BRANCH("li $9, 0", "bgtz $9, 1f", 0));
    CHECK(BRANCH("la $9, 1f", "jr $9", 1));
    CHECK(BRANCH("la $9, 1f", "jalr $9", 1));
    CHECK(BRANCH("", "j 1f", 1));
    CHECK(BRANCH("", "jal 1f", 1));
    CHECK(BRANCH("li $9, -1", "bltzal $9, 1f", 1));
    CHECK(BRANCH("li $9, -1", "bgezal $9, 1f", 0));
    CHECK(calls == 20);
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, NULL, NULL) == 0);
}
#else
static bool cannot_skip(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    (void)argument;
    CHECK(weft_trap_skip(trap) == WEFT_ENOTSUP);
    CHECK(!weft_trap_in_delay_slot(trap));
    weft_trap_set_pc(trap, recover_at);
    return true;
}

static void skipped(void)
{
    (void)skip;
    CHECK(weft_trap_handle(WEFT_TRAP_INSTRUCTION, cannot_skip, NULL) == 0);
    LEAVES("ud2");
    CHECK(weft_trap_handle(WEFT_TRAP_INSTRUCTION, NULL, NULL) == 0);
}
#endif

/* ---- waking from a handler ---- */

static struct weft_queue queue;

static void *waiter(void *argument)
{
    int message;

    CHECK(weft_queue_receive(&queue, &message) == 0 && message == 12);
    return argument;
}

static bool wake(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    int message = 12;

    (void)cause;
    (void)argument;
    CHECK(weft_queue_try_send(&queue, &message) == 0);
    return weft_trap_set_register(trap, POINTER_REGISTER, (uintptr_t)&treasure) == 0;
}

static void woken_thread(void)
{
    const struct weft_thread_attr attr = {.priority = 20};
    static int storage[1];
    struct weft_thread *thread;

    CHECK(weft_queue_init(&queue, storage, sizeof storage[0], 1) == 0);
    CHECK(weft_thread_spawn(&thread, &attr, waiter, NULL) == 0);
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, wake, NULL) == 0);
    CHECK(load_from(NOWHERE) == 4711);
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, NULL, NULL) == 0);
}

/* ---- what ends in a report ---- */

static bool decline(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    (void)argument;
    weft_print("declined: %s\n", weft_trap_name(trap));
    return false;
}

static bool traps_itself(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)trap;
    (void)cause;
    (void)argument;
    return load_from(NOWHERE) == 0;
}

static bool blocks(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)trap;
    (void)cause;
    (void)argument;
    weft_thread_sleep_ns(1);
    return true;
}

/* Floating point, where it would change the registers of the thread that was interrupted. */
static volatile double product = 1;

static __attribute__((noinline)) void calculate(void)
{
    product *= 1.5;
}

static bool calculates(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    (void)argument;
    calculate();
    return weft_trap_set_register(trap, POINTER_REGISTER, (uintptr_t)&treasure) == 0;
}

static void line(void *argument)
{
    (void)argument;
    calculate();
}

/* The thread has not used the unit yet, or ("-owner") it has. */
static void *interrupted(void *argument)
{
    const char *way = argument;

    if (strstr(way, "-owner") != NULL)
        calculate();
    if (strncmp(way, "line", 4) == 0) {
        weft_interrupt_raise(0);
        weft_thread_sleep_ns(1000000);
    } else {
        (void)load_from(NOWHERE);
    }
    return argument;
}

/* In a thread that has not been in the C library, which uses the unit as it likes. */
static int calculate_in_handlers(char *way)
{
    const struct weft_thread_attr attr = {.name = "interrupted", .priority = 20};
    struct weft_thread *thread;

    CHECK(weft_interrupt_handle(0, line, NULL) == 0);
    CHECK(weft_trap_handle(WEFT_TRAP_PAGE, calculates, NULL) == 0);
    CHECK(weft_thread_spawn(&thread, &attr, interrupted, way) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    return 1;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    weft_trap_handler handler = strcmp(way, "decline") == 0  ? decline
                                : strcmp(way, "nested") == 0 ? traps_itself
                                                             : blocks;

    if (strncmp(way, "line", 4) == 0 || strncmp(way, "calculates", 10) == 0)
        return calculate_in_handlers(argv[1]);

    if (argc > 1) {
        CHECK(weft_trap_handle(WEFT_TRAP_PAGE, handler, NULL) == 0);
        return load_from(NOWHERE);
    }
    repaired_pointer();
    each_cause();
    skipped();
    woken_thread();
    puts("all resumed");
    return 0;
}
