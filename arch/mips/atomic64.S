/* SPDX-License-Identifier: MIT */
/*
 * 64-bit atomics for a CPU without them. The names and arguments are those gcc calls for C11's
 * _Atomic uint64_t. Interrupts stay on.
 *
 * Every operation is a slot of ATOMIC64_SLOT_BYTES, aligned to its size:
 *
 *      begin       reads both words into v0 and v1. More than one core: takes a spinlock out of eight,
 *                  chosen by address, before (t8 its address, t9 the result of sc); whatever can
 *                  fault is touched before that, without the lock
 *      compute     a0-a3 and ra stay what they were, no store
 *      j           to atomic64_commit (stores t6 and t7 at a0), or the end without a store
 *
 * An interrupted operation can be started again until its jump, and be finished from t6, t7 and a0
 * after it: atomic64_settle.c does this at each trap entry. So on one core an operation is never seen
 * half done, and needs neither a lock nor ll and sc; and with several, no thread ever waits for a lock
 * that a thread of its own core holds. A restartable sequence, after B. N. Bershad, D. D. Redell,
 * J. R. Ellis, "Fast Mutual Exclusion for Uniprocessors", ASPLOS 1992.
 *
 * o32 passes and returns the word at the lower address in the lower register, whatever the endianness.
 */
#include "arch/mips/asm.h"

#define ATOMIC64_SLOT_BYTES 128

        .set    noreorder
        .set    noat

#if WEFT_CONFIG_CORES > 1
        .local  atomic64_locks
        .comm   atomic64_locks, 32, 32
#endif

        .section .atomic64, "ax", @progbits
        .balign ATOMIC64_SLOT_BYTES

#if WEFT_CONFIG_CORES > 1
/* Out: the lock held, t8 its address; v0 and v1 the two words. Clobbers t9. */
        .macro  begin other=$a0
        lui     $t8, %hi(atomic64_locks)
        addiu   $t8, $t8, %lo(atomic64_locks)
        srl     $t9, $a0, 3
        ins     $t8, $t9, 2, 3          # one lock for every eighth pair of words
        lw      $zero, 0($a0)           # touch
        lw      $zero, 4(\other)        # one word of each: aligned to 8, so in one page
1:      ll      $t9, 0($t8)
        bnez    $t9, 1b
        li      $t9, 1
        sc      $t9, 0($t8)
2:      beqz    $t9, 1b                 # held from here on, if t9 says so
        nop
        sync
        lw      $v0, 0($a0)
        lw      $v1, 4($a0)
        .endm
#else
/* Out: v0 and v1 the two words. */
        .macro  begin other=$a0
2:      lw      $v0, 0($a0)
        lw      $v1, 4($a0)
        .endm
#endif

        .macro  operation name
        .balign ATOMIC64_SLOT_BYTES
FUNCTION(\name)
        .endm

/* uint64_t __atomic_load_8(const void *, int) */
        operation __atomic_load_8
        begin
#if WEFT_CONFIG_CORES > 1
        j       atomic64_release
#else
        jr      $ra
#endif
        nop
END(__atomic_load_8)
        .globl  atomic64_held_offset
#if WEFT_CONFIG_CORES > 1
        .set    atomic64_held_offset, 40 /* of label 2 above; checked below */
#else
        .set    atomic64_held_offset, 0
#endif
        .if     2b - __atomic_load_8 != atomic64_held_offset
        .error  "atomic64_held_offset is not where the lock is taken"
        .endif

/* void __atomic_store_8(void *, uint64_t, int) */
        operation __atomic_store_8
        begin
        move    $t6, $a2
        j       atomic64_commit
        move    $t7, $a3
END(__atomic_store_8)

/* uint64_t __atomic_exchange_8(void *, uint64_t, int) */
        operation __atomic_exchange_8
        begin
        move    $t6, $a2
        j       atomic64_commit
        move    $t7, $a3
END(__atomic_exchange_8)

/* bool __atomic_compare_exchange_8(void *, void *expected, uint64_t desired, int, int) */
        operation __atomic_compare_exchange_8
        begin   $a1
        lw      $t4, 0($a1)             # expected: the caller's own, on its stack as a rule
        lw      $t5, 4($a1)
        bne     $v0, $t4, 3f
        move    $t6, $a2
        bne     $v1, $t5, 3f
        move    $t7, $a3
        j       atomic64_commit
        li      $v0, 1
3:      move    $t6, $v0                # failure: commit what was found, to *expected
        move    $t7, $v1
        li      $v0, 0
        j       atomic64_commit
        move    $a0, $a1                # in the slot: up to the jump a0 is needed for a new start
END(__atomic_compare_exchange_8)

/* uint64_t __atomic_fetch_OP_8(void *, uint64_t, int) */
        operation __atomic_fetch_and_8
        begin
        and     $t6, $v0, $a2
        j       atomic64_commit
        and     $t7, $v1, $a3
END(__atomic_fetch_and_8)

        operation __atomic_fetch_or_8
        begin
        or      $t6, $v0, $a2
        j       atomic64_commit
        or      $t7, $v1, $a3
END(__atomic_fetch_or_8)

        operation __atomic_fetch_xor_8
        begin
        xor     $t6, $v0, $a2
        j       atomic64_commit
        xor     $t7, $v1, $a3
END(__atomic_fetch_xor_8)

        operation __atomic_fetch_nand_8
        begin
        and     $t6, $v0, $a2
        nor     $t6, $t6, $zero
        and     $t7, $v1, $a3
        j       atomic64_commit
        nor     $t7, $t7, $zero
END(__atomic_fetch_nand_8)

        operation __atomic_fetch_add_8
        begin
#ifdef __MIPSEB__
        addu    $t7, $v1, $a3
        sltu    $t5, $t7, $v1          # carry
        addu    $t6, $v0, $a2
        j       atomic64_commit
        addu    $t6, $t6, $t5
#else
        addu    $t6, $v0, $a2
        sltu    $t5, $t6, $v0          # carry
        addu    $t7, $v1, $a3
        j       atomic64_commit
        addu    $t7, $t7, $t5
#endif
END(__atomic_fetch_add_8)

        operation __atomic_fetch_sub_8
        begin
#ifdef __MIPSEB__
        subu    $t7, $v1, $a3
        sltu    $t5, $v1, $a3          # borrow
        subu    $t6, $v0, $a2
        j       atomic64_commit
        subu    $t6, $t6, $t5
#else
        subu    $t6, $v0, $a2
        sltu    $t5, $v0, $a2          # borrow
        subu    $t7, $v1, $a3
        j       atomic64_commit
        subu    $t7, $t7, $t5
#endif
END(__atomic_fetch_sub_8)

/* The common tail: in a slot of its own, entered by jumps only. */
        operation atomic64_commit
        .globl  atomic64_release, atomic64_released
#if WEFT_CONFIG_CORES > 1
        sw      $t6, 0($a0)
        sw      $t7, 4($a0)
atomic64_release:
        sync
        sw      $zero, 0($t8)
atomic64_released:
        jr      $ra
        nop
#else
        sw      $t6, 0($a0)
        jr      $ra
        sw      $t7, 4($a0)
atomic64_release:                       # what an interrupt has finished returns from here
atomic64_released:
        jr      $ra
        nop
#endif
END(atomic64_commit)
        .balign ATOMIC64_SLOT_BYTES
