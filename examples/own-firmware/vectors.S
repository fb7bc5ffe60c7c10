/* SPDX-License-Identifier: MIT */
/*
 * This firmware's own vectors. Software interrupt 0 is handled here, without weft; the timer's interrupt and
 * all exceptions go to weft, with every register but k0 and k1 untouched.
 */
        .set    noreorder
        .set    noat
        .section .own_vectors, "ax", @progbits
        .balign 4096                    # EBase
        .globl  own_vectors
own_vectors:
        j       weft_vector_tlb_refill
         nop
        .org    own_vectors + 0x100
        j       weft_vector_cache_error
         nop
        .org    own_vectors + 0x180
        j       weft_vector_exception
         nop
        .org    own_vectors + 0x200
        mfc0    $k0, $13                # Cause
        andi    $k1, $k0, 0x100         # IP0 only? then it is ours
        beqz    $k1, 1f
         andi   $k1, $k0, 0x8000        # IP7: the timer, weft's, which comes first
        bnez    $k1, 1f
         ins    $k0, $zero, 8, 1
        mtc0    $k0, $13                # taken
        lui     $k1, %hi(own_interrupts)
        lw      $k0, %lo(own_interrupts)($k1)
        addiu   $k0, $k0, 1
        sw      $k0, %lo(own_interrupts)($k1)
        ehb
        eret
1:      j       weft_vector_interrupt
         nop
