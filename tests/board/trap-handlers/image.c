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

static bool go_on_elsewhere(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    calls++;
    CHECK(weft_trap_pc(trap) != 0);
    weft_trap_set_pc(trap, recover_at);
    return argument == NULL;
}

/* The trapping instruction, between two labels' worth of code; true when it was left. */
#if defined(__mips__)
#define LEAVES(instruction)                                                                        \
    __asm__ volatile("la $8, 1f\n\tsw $8, %0\n\t" instruction "\n1:"                               \
                     : "=m"(recover_at)::"$8", "memory")
static void others(void)
{
    LEAVES("break 7");
    LEAVES("syscall");
    LEAVES("li $8, 0x7fffffff\n\tadd $8, $8, $8");
    LEAVES("teq $0, $0");
    LEAVES(".word 0x7000003e");
    LEAVES("la $8, 1f + 1\n\tlw $8, 0($8)");
}
#define OTHERS 6
#else
#define LEAVES(instruction)                                                                        \
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\t" instruction "\n1:"              \
                     : "=m"(recover_at)::"rax", "rcx", "rdx", "memory")
static void others(void)
{
    LEAVES("int3");
    LEAVES("ud2");
    LEAVES("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tmovl $1, %%eax\n\tdivl %%ecx");
    LEAVES("movabsq $0x8000000000000000, %%rax\n\tmovb $1, (%%rax)");
}
#define OTHERS 4
#endif

static void other_causes(void)
{
    calls = 0;
    for (int cause = 0; cause < WEFT_TRAP_CAUSES; cause++)
        CHECK(weft_trap_handle((enum weft_trap_cause)cause, go_on_elsewhere, NULL) == 0);
    others();
    CHECK(calls == OTHERS);
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

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    weft_trap_handler handler = strcmp(way, "decline") == 0  ? decline
                                : strcmp(way, "nested") == 0 ? traps_itself
                                                             : blocks;

    if (argc > 1) {
        CHECK(weft_trap_handle(WEFT_TRAP_PAGE, handler, NULL) == 0);
        return load_from(NOWHERE);
    }
    repaired_pointer();
    other_causes();
    skipped();
    woken_thread();
    puts("all resumed");
    return 0;
}
