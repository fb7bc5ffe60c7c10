/* SPDX-License-Identifier: MIT */
/*
 * The walker. Stacks made by hand, over functions whose call frame information is made by hand too,
 * say what each rule and each refusal does, and stacks full of nonsense, between pages that nobody
 * may touch, must end every walk without a fault. Real stacks: prof_unwind_real.c.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "prof/image.h"
#include "prof/unwind.h"
#include "prof_fake.h"

#define CAPACITY 64

/* Never run. Each is 16 bytes; what matters is what its information says. */
extern const char hand_leaf[], hand_frame32[], hand_rbp[], hand_start[], hand_none[], hand_down[];
extern const char hand_odd[], hand_below[];
extern const char hand_saves_rbp[], hand_register[], hand_unsaved[], hand_signal[],
    hand_expression[];

__asm__(
    ".text\n"
    "hand_none: .fill 16, 1, 0x90\n" /* no information; nothing before it ends here */
    "hand_leaf: .cfi_startproc\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_frame32: .cfi_startproc\n .cfi_def_cfa_offset 32\n .cfi_offset rbx, -16\n"
    "   .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_saves_rbp: .cfi_startproc\n .cfi_def_cfa_offset 32\n .cfi_offset rbp, -16\n"
    "   .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_rbp: .cfi_startproc\n .cfi_def_cfa rbp, 16\n .cfi_offset rbp, -16\n"
    "   .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_start: .cfi_startproc\n .cfi_undefined rip\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_down: .cfi_startproc\n .cfi_def_cfa_offset -16\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_odd: .cfi_startproc\n .cfi_def_cfa_offset 20\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_below: .cfi_startproc\n .cfi_def_cfa_offset 8\n .cfi_offset rip, -24\n .fill 16, 1, "
    "0x90\n"
    " .cfi_endproc\n"
    "hand_register: .cfi_startproc\n .cfi_register rip, r12\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_unsaved: .cfi_startproc\n .cfi_same_value rip\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    "hand_signal: .cfi_startproc\n .cfi_signal_frame\n .fill 16, 1, 0x90\n .cfi_endproc\n"
    /* CFA = *(rsp + 8) + 16; rbx at CFA - 24, by expressions */
    "hand_expression: .cfi_startproc\n"
    "   .cfi_escape 0x0f, 5, 0x77, 8, 0x06, 0x23, 16\n"
    "   .cfi_escape 0x10, 3, 3, 0x48, 0x1c, 0x96\n"
    "   .fill 16, 1, 0x90\n .cfi_endproc\n");

#define SITE(function, offset) ((uintptr_t)(function) + (offset))

static struct unwind_cache cache;
static uintptr_t stack[64];
static unwind_pc pcs[CAPACITY];
static unsigned restarts;

static struct arch_unwind registers_at(uintptr_t pc, uintptr_t sp)
{
    struct arch_unwind registers;

    memset(&registers, 0, sizeof registers);
    registers.pc = pc;
    registers.value[ARCH_UNWIND_SP] = sp;
    return registers;
}

/* What the sampler gives to a walk with a cache: the others are nobody's business. */
static void keep_tracked(struct arch_unwind *registers, const struct unwind_cache *with)
{
    uint32_t kept = with->needed | 1u << ARCH_UNWIND_SP | 1u << ARCH_UNWIND_RA;

    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++)
        if ((kept >> i & 1) == 0)
            registers->value[i] = 0x5a5a5a5a5a5a5a5a;
}

/* A walk of `stack` as the sampler does it: a restart goes without the cache. */
static struct unwind_result walk_again(struct unwind_cache *with, const struct arch_unwind *start,
                                       unwind_pc *to, unsigned capacity)
{
    struct arch_unwind registers = *start;
    uintptr_t lo = (uintptr_t)stack, hi = (uintptr_t)(stack + 64);
    struct unwind_result result;

    if (with != NULL)
        keep_tracked(&registers, with);
    result = unwind_walk(with, &registers, true, lo, hi, to, capacity);
    if (!result.restart)
        return result;
    cr_assert(with != NULL, "a restart without a cache");
    restarts++;
    registers = *start;
    memset(to, 0, CAPACITY * sizeof *to);
    return unwind_walk(NULL, &registers, true, lo, hi, to, capacity);
}

/* Without a cache, with one that does not know the pcs, and with one that does: the same answer. */
static struct unwind_result walk_thrice(const struct arch_unwind *start, unsigned capacity)
{
    static unwind_pc again[CAPACITY];
    struct unwind_result first = {.reason = REASON_FULL};

    memset(&cache, 0, sizeof cache);
    for (int turn = 0; turn < 4; turn++) {
        struct unwind_result result;

        memset(again, 0, sizeof again);
        result = walk_again(turn == 0 ? NULL : &cache, start, again, capacity);
        if (turn == 0) {
            first = result;
            memcpy(pcs, again, sizeof again);
        }
        cr_assert(result.depth == first.depth && result.reason == first.reason,
                  "turn %d: %u %s not %u %s", turn, result.depth, unwind_reason_name(result.reason),
                  first.depth, unwind_reason_name(first.reason));
        cr_assert(result.crossed == first.crossed);
        cr_assert(memcmp(pcs, again, sizeof again) == 0, "turn %d", turn);
    }
    return first;
}

static void expect(const struct arch_unwind *start, unsigned depth, enum log_reason reason)
{
    struct unwind_result result = walk_thrice(start, CAPACITY);

    cr_assert(result.reason == reason, "it is %s", unwind_reason_name(result.reason));
    cr_assert(result.depth == depth, "it is %u", result.depth);
    for (unsigned i = 0; i < result.depth; i++)
        cr_assert(pcs[i] != 0);
}

static void setup(void)
{
    fake_reset();
    memset(stack, 0, sizeof stack);
}

TestSuite(prof_unwind, .init = setup);

/* leaf <- frame32 <- frame32 <- start, with rbx saved on the way. */
static struct arch_unwind plain_stack(void)
{
    stack[0] = SITE(hand_frame32, 9); /* the leaf's return address */
    stack[1 + 2] = 77;                /* rbx */
    stack[1 + 3] = SITE(hand_frame32, 5);
    stack[5 + 3] = SITE(hand_start, 4);
    return registers_at(SITE(hand_leaf, 3), (uintptr_t)stack);
}

Test(prof_unwind, a_plain_stack_is_walked_to_its_start)
{
    struct arch_unwind start = plain_stack();

    expect(&start, 4, REASON_FULL);
    cr_assert(pcs[0] == SITE(hand_leaf, 3));    /* exact */
    cr_assert(pcs[1] == SITE(hand_frame32, 8)); /* call sites */
    cr_assert(pcs[2] == SITE(hand_frame32, 4));
    cr_assert(pcs[3] == SITE(hand_start, 3));
}

/* A call may be a function's last instruction: its return address belongs to the next function. */
Test(prof_unwind, a_return_address_behind_the_function_is_looked_up_before_it)
{
    struct arch_unwind start = plain_stack();

    stack[0] = SITE(hand_frame32, 16);
    expect(&start, 4, REASON_FULL);
    cr_assert(pcs[1] == SITE(hand_frame32, 15));
}

Test(prof_unwind, an_innermost_return_address_is_no_exact_pc)
{
    struct arch_unwind start = plain_stack();
    struct unwind_result result;

    start.pc = SITE(hand_leaf, 16);
    result =
        unwind_walk(NULL, &start, false, (uintptr_t)stack, (uintptr_t)(stack + 64), pcs, CAPACITY);
    cr_assert(result.depth == 4 && result.reason == REASON_FULL);
    cr_assert(pcs[0] == SITE(hand_leaf, 15));
}

Test(prof_unwind, saved_registers_come_back)
{
    struct arch_unwind start = plain_stack();

    unwind_walk(NULL, &start, true, (uintptr_t)stack, (uintptr_t)(stack + 64), pcs, CAPACITY);
    cr_assert(start.value[3] == stack[5 + 2]); /* the outer frame32's rbx */
    start = plain_stack();
    unwind_walk(NULL, &start, true, (uintptr_t)stack, (uintptr_t)(stack + 64), pcs, 2);
    cr_assert(start.value[3] == 77);
}

Test(prof_unwind, deeper_than_the_capacity_is_flagged)
{
    struct arch_unwind start = plain_stack();

    for (unsigned capacity = 1; capacity < 4; capacity++) {
        struct unwind_result result = walk_thrice(&start, capacity);

        cr_assert(result.depth == capacity && result.reason == REASON_DEPTH);
        cr_assert(pcs[capacity] == 0, "written behind the capacity");
    }
    cr_assert(walk_thrice(&start, 4).reason == REASON_FULL);
}

Test(prof_unwind, an_innermost_frame_without_information_is_a_leaf_and_flagged)
{
    struct arch_unwind start = plain_stack();

    start.pc = SITE(hand_none, 3);
    expect(&start, 4, REASON_LEAF);
    cr_assert(pcs[0] == SITE(hand_none, 3) && pcs[1] == SITE(hand_frame32, 8));
}

Test(prof_unwind, a_jump_through_a_null_pointer_shows_its_caller)
{
    struct arch_unwind start = plain_stack();

    start.pc = 0;
    expect(&start, 3, REASON_LEAF);
    cr_assert(pcs[0] == SITE(hand_frame32, 8));
}

Test(prof_unwind, a_caller_without_information_is_the_last)
{
    struct arch_unwind start = plain_stack();

    stack[0] = SITE(hand_none, 8);
    expect(&start, 2, REASON_NO_INFO);
    cr_assert(pcs[1] == SITE(hand_none, 7));
}

Test(prof_unwind, a_zero_return_address_is_no_frame)
{
    struct arch_unwind start = plain_stack();

    stack[0] = 0;
    expect(&start, 1, REASON_BOUNDS);
}

/* Every return address the same: only the rising CFA ends it. */
Test(prof_unwind, a_cycle_of_return_addresses_ends_at_the_stacks_end)
{
    struct arch_unwind start = registers_at(SITE(hand_frame32, 3), (uintptr_t)stack);

    for (unsigned i = 0; i < 64; i++)
        stack[i] = SITE(hand_frame32, 9);
    expect(&start, 17, REASON_BOUNDS); /* 64 words, 4 to a frame */
}

Test(prof_unwind, a_cfa_that_does_not_rise_ends_the_walk)
{
    struct arch_unwind start = registers_at(SITE(hand_rbp, 3), (uintptr_t)(stack + 8));

    start.value[6] = (uintptr_t)(stack + 12);
    stack[12] = (uintptr_t)(stack + 10); /* the caller's rbp, below its own frame */
    stack[13] = SITE(hand_rbp, 9);
    expect(&start, 2, REASON_BOUNDS);
    stack[12] = (uintptr_t)(stack + 12); /* or the same */
    expect(&start, 2, REASON_BOUNDS);
    start = registers_at(SITE(hand_down, 3), (uintptr_t)(stack + 8));
    expect(&start, 1, REASON_BOUNDS);
}

Test(prof_unwind, a_frame_that_is_no_multiple_of_a_word_ends_the_walk)
{
    struct arch_unwind start = registers_at(SITE(hand_leaf, 3), (uintptr_t)stack);

    stack[0] = SITE(hand_odd, 5);
    memset(stack + 1, 0x11, 8 * sizeof *stack);
    expect(&start, 2, REASON_BOUNDS);
}

/* The stack begins at its ninth word here; the seventh would do for a caller. */
Test(prof_unwind, a_return_address_below_the_stack_is_not_read)
{
    uintptr_t lo = (uintptr_t)(stack + 8), hi = (uintptr_t)(stack + 64);

    memset(&cache, 0, sizeof cache);
    stack[6] = SITE(hand_start, 6);
    for (int turn = 0; turn < 3; turn++) {
        struct arch_unwind registers = registers_at(SITE(hand_below, 3), lo);
        struct unwind_result result =
            unwind_walk(turn == 0 ? NULL : &cache, &registers, true, lo, hi, pcs, CAPACITY);

        cr_assert(result.depth == 1 && result.reason == REASON_BOUNDS, "turn %d: %u frames, %s",
                  turn, result.depth, unwind_reason_name(result.reason));
    }
}

Test(prof_unwind, a_stack_pointer_that_cannot_be_right_is_not_followed)
{
    uintptr_t lo = (uintptr_t)stack, hi = (uintptr_t)(stack + 64);
    const uintptr_t bad[] = {0,      1,      lo - 8,        lo + 1,     lo + 4,
                             hi - 4, hi + 8, (uintptr_t)-8, UINTPTR_MAX};

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arch_unwind start = registers_at(SITE(hand_frame32, 3), bad[i]);

        expect(&start, 1, REASON_BOUNDS);
    }
    for (uintptr_t sp = hi - 24; sp <= hi; sp += 8) { /* the frame would stick out */
        struct arch_unwind start = registers_at(SITE(hand_frame32, 3), sp);

        expect(&start, 1, REASON_BOUNDS);
    }
}

/* A function that uses rbp for something else has been walked often, without restoring it. Then its
 * caller is one whose frame is found by rbp: the cache learns that, and never needs to again. */
Test(prof_unwind, the_cache_learns_which_registers_frames_are_found_by)
{
    struct arch_unwind start = registers_at(SITE(hand_leaf, 3), (uintptr_t)stack);
    struct unwind_result result;

    memset(&cache, 0, sizeof cache);
    start.value[6] = 12345; /* no frame pointer */
    stack[0] = SITE(hand_saves_rbp, 9);
    stack[1 + 2] = (uintptr_t)(stack + 20); /* rbp of the caller */
    stack[1 + 3] = SITE(hand_start, 5);
    for (int turn = 0; turn < 3; turn++)
        cr_assert(walk_again(&cache, &start, pcs, CAPACITY).depth == 3);
    cr_assert(restarts == 0 && cache.needed == 0);
    stack[1 + 3] = SITE(hand_rbp, 5);
    stack[20] = 0;
    stack[21] = SITE(hand_start, 5);
    for (int turn = 0; turn < 4; turn++) {
        result = walk_again(&cache, &start, pcs, CAPACITY);
        cr_assert(result.depth == 4 && result.reason == REASON_FULL, "turn %d", turn);
        cr_assert(restarts == 1, "turn %d: %u restarts", turn, restarts);
    }
    cr_assert(cache.needed == 1u << 6);
    expect(&start, 4, REASON_FULL);
}

Test(prof_unwind, a_return_address_in_a_register)
{
    struct arch_unwind start = registers_at(SITE(hand_register, 3), (uintptr_t)stack);

    start.value[12] = SITE(hand_start, 6);
    expect(&start, 2, REASON_FULL);
    cr_assert(pcs[1] == SITE(hand_start, 5));
}

/* Only an interrupted function may still have its return address in the register. */
Test(prof_unwind, a_caller_that_did_not_save_its_return_address_ends_the_walk)
{
    struct arch_unwind start = plain_stack();

    stack[0] = SITE(hand_unsaved, 9);
    expect(&start, 2, REASON_NO_INFO);
}

Test(prof_unwind, behind_a_signal_frame_the_pc_is_exact)
{
    struct arch_unwind start = plain_stack();

    start.pc = SITE(hand_signal, 3);
    stack[0] = SITE(hand_frame32, 0); /* its first instruction: one before is another function */
    expect(&start, 4, REASON_FULL);
    cr_assert(pcs[1] == SITE(hand_frame32, 0));
}

Test(prof_unwind, expressions_compute_frames)
{
    struct arch_unwind start = registers_at(SITE(hand_expression, 3), (uintptr_t)stack);

    stack[1] = (uintptr_t)(stack + 8); /* CFA = stack + 10 */
    stack[7] = 4711;                   /* rbx, at CFA - 24 */
    stack[9] = SITE(hand_start, 8);    /* the return address, at CFA - 8 */
    expect(&start, 2, REASON_FULL);
    unwind_walk(NULL, &start, true, (uintptr_t)stack, (uintptr_t)(stack + 64), pcs, CAPACITY);
    cr_assert(start.value[3] == 4711);
    cr_assert(start.value[ARCH_UNWIND_SP] == (uintptr_t)(stack + 10));
    stack[1] = 8; /* leads outside */
    start = registers_at(SITE(hand_expression, 3), (uintptr_t)stack);
    expect(&start, 1, REASON_BOUNDS);
}

static struct arch_frame *trap_frame_at(uintptr_t *at, uintptr_t pc, uintptr_t sp)
{
    struct arch_frame *frame = (struct arch_frame *)(void *)at;

    memset(frame, 0, sizeof *frame);
    frame->value[ARCH_UNWIND_RA] = pc;
    frame->value[ARCH_UNWIND_SP] = sp;
    return frame;
}

Test(prof_unwind, a_walk_goes_through_an_interrupt_frame)
{
    struct arch_unwind start = registers_at(SITE(hand_leaf, 3), (uintptr_t)stack);

    fake_trap_return = SITE(hand_none, 8);
    stack[0] = fake_trap_return;
    trap_frame_at(stack + 1, SITE(hand_leaf, 0), (uintptr_t)(stack + 20)); /* a first instruction */
    stack[20] = SITE(hand_start, 4);
    expect(&start, 4, REASON_FULL);
    cr_assert(pcs[1] == SITE(hand_none, 7));
    cr_assert(pcs[2] == SITE(hand_leaf, 0), "the interrupted pc is exact");
    cr_assert(pcs[3] == SITE(hand_start, 3));
}

/* The row that ends walks holds for several places. That the port has no business at one of them,
 * which the cache remembers, says nothing about the next. */
Test(prof_unwind, the_port_is_asked_about_each_place_where_walks_end)
{
    struct arch_unwind start = registers_at(SITE(hand_leaf, 3), (uintptr_t)stack);

    /* Two that share a slot: 32 bytes of code do. */
    uintptr_t here = SITE(hand_start, (SITE(hand_start, 4) & 31) != 0 ? 4 : 8);

    memset(&cache, 0, sizeof cache);
    stack[0] = here;
    for (int turn = 0; turn < 3; turn++)
        cr_assert(walk_again(&cache, &start, pcs, CAPACITY).depth == 2);
    fake_trap_return = here + 1;
    stack[0] = fake_trap_return;
    trap_frame_at(stack + 1, SITE(hand_leaf, 0), (uintptr_t)(stack + 20));
    stack[20] = SITE(hand_start, 4);
    cr_assert(walk_again(&cache, &start, pcs, CAPACITY).depth == 4);
}

Test(prof_unwind, an_interrupt_frame_that_leads_down_ends_the_walk)
{
    struct arch_unwind start = registers_at(SITE(hand_leaf, 3), (uintptr_t)(stack + 30));

    fake_trap_return = SITE(hand_none, 8);
    stack[30] = fake_trap_return;
    trap_frame_at(stack + 31, SITE(hand_leaf, 0), (uintptr_t)(stack + 20));
    expect(&start, 2, REASON_BOUNDS);
}

Test(prof_unwind, an_interrupt_frame_that_leads_to_another_stack_hands_the_walk_back)
{
    static uintptr_t other[8];
    struct arch_unwind start = registers_at(SITE(hand_leaf, 3), (uintptr_t)stack);
    struct unwind_result result;

    fake_trap_return = SITE(hand_none, 8);
    stack[0] = fake_trap_return;
    trap_frame_at(stack + 1, SITE(hand_leaf, 1), (uintptr_t)other);
    other[0] = SITE(hand_start, 4);
    expect(&start, 2, REASON_BOUNDS);
    result =
        unwind_walk(NULL, &start, true, (uintptr_t)stack, (uintptr_t)(stack + 64), pcs, CAPACITY);
    cr_assert(result.crossed);
    cr_assert(start.pc == SITE(hand_leaf, 1) && start.value[ARCH_UNWIND_SP] == (uintptr_t)other);
    result =
        unwind_walk(NULL, &start, true, (uintptr_t)other, (uintptr_t)(other + 8), pcs, CAPACITY);
    cr_assert(result.depth == 2 && result.reason == REASON_FULL && !result.crossed);
}

/* ---- nonsense ---- */

/* Random words, half of them such that a walk goes on: addresses of the functions and of the stack.
 */
static uintptr_t nonsense(const uintptr_t *words, unsigned count)
{
    static const char *const functions[] = {hand_leaf,       hand_frame32, hand_rbp,
                                            hand_start,      hand_none,    hand_down,
                                            hand_expression, hand_register};
    unsigned choice = (unsigned)rand() % 8;

    if (choice < 4)
        return SITE(functions[rand() % 8], (uintptr_t)rand() % 18);
    if (choice < 7)
        return (uintptr_t)(words + rand() % (int)count) + (choice == 4 ? (uintptr_t)rand() % 8 : 0);
    return (uintptr_t)rand() << 33 ^ (uintptr_t)rand();
}

Test(prof_unwind, a_stack_of_nonsense_is_never_left_and_always_ends, .timeout = 120)
{
    size_t page = 4096;
    unsigned char *memory = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uintptr_t *words = (uintptr_t *)(void *)(memory + page);
    unsigned count = (unsigned)(page / sizeof *words);
    unsigned deep = 0;

    cr_assert(mprotect(words, page, PROT_READ | PROT_WRITE) == 0);
    srand(20120);
    memset(&cache, 0, sizeof cache);
    for (int turn = 0; turn < 100000; turn++) {
        struct arch_unwind start;
        struct unwind_result result;

        for (unsigned i = 0; i < 64; i++)
            words[rand() % (int)count] = nonsense(words, count);
        fake_trap_return = turn % 3 == 0 ? SITE(hand_none, 8) : 0;
        start.pc = nonsense(words, count);
        for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++)
            start.value[i] = nonsense(words, count);
        start.value[ARCH_UNWIND_SP] = (uintptr_t)(words + rand() % (int)count);
        result = unwind_walk(turn % 2 ? &cache : NULL, &start, turn % 5 != 0, (uintptr_t)words,
                             (uintptr_t)words + page, pcs, CAPACITY);
        deep += result.depth > 3;
        for (unsigned i = 0; i < result.depth; i++)
            if (pcs[i] == 0)
                cr_assert_fail("a zero pc");
    }
    cr_assert(deep > 1000, "only %u walks got anywhere: the nonsense is too wild", deep);
}
