/* SPDX-License-Identifier: MIT */
/* Hand-written shapes: a leaf that changes sp in a delay slot, and a tail call out of a frame. */
        .set    noreorder
        .text

/* int adv_delay_slot(int x): its frame is made in one branch's delay slot and dropped in another's. */
        .globl  adv_delay_slot
        .type   adv_delay_slot, @function
        .ent    adv_delay_slot
adv_delay_slot:
        .cfi_startproc
        bgtz    $4, 1f
         addiu  $sp, $sp, -32
        .cfi_def_cfa_offset 32
1:      sw      $4, 28($sp)
        lw      $2, 28($sp)
        addu    $2, $2, $2
        jr      $31
         addiu  $sp, $sp, 32
        .cfi_endproc
        .end    adv_delay_slot
        .size   adv_delay_slot, . - adv_delay_slot

/* int adv_tail_out(int x): has a frame, drops it, and jumps into adv_tail_target(x + 1). */
        .globl  adv_tail_out
        .type   adv_tail_out, @function
        .ent    adv_tail_out
adv_tail_out:
        .cfi_startproc
        addiu   $sp, $sp, -24
        .cfi_def_cfa_offset 24
        sw      $31, 20($sp)
        .cfi_offset 31, -4
        jal     adv_delay_slot
         nop
        lw      $31, 20($sp)
        .cfi_restore 31
        move    $4, $2
        j       adv_tail_target
         addiu  $sp, $sp, 24
        .cfi_def_cfa_offset 0
        .cfi_endproc
        .end    adv_tail_out
        .size   adv_tail_out, . - adv_tail_out
