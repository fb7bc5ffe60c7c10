/* SPDX-License-Identifier: MIT */
/* Hand-written shapes: a leaf that changes sp in a delay slot, and a tail call out of a frame. */
        .set    noreorder
        .text

/* int adv_short_frame(int x): its frame is made in one branch's delay slot and dropped in another's. */
        .globl  adv_short_frame
        .type   adv_short_frame, @function
        .ent    adv_short_frame
adv_short_frame:
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
        .end    adv_short_frame
        .size   adv_short_frame, . - adv_short_frame

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
        jal     adv_short_frame
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

/*
 * void sync_tick(unsigned units)
 *
 * Waits until the last tick's handler has set Compare anew, then until it is near. A loop of 6 instructions
 * leaves up to 32 units too late: fewer of the instructions behind it follow then. The replay forgets
 * ticks before sync_return.
 */
        .globl  sync_tick, sync_return
        .type   sync_tick, @function
        .ent    sync_tick
sync_tick:
        .cfi_startproc
1:      mfc0    $2, $11                 # Compare
        mfc0    $3, $9                  # Count
        subu    $2, $2, $3
        sltu    $3, $4, $2
        beqz    $3, 1b
         nop
2:      mfc0    $2, $11
        mfc0    $3, $9
        subu    $2, $2, $3
        slt     $3, $4, $2
        bnez    $3, 2b
         nop
        subu    $2, $4, $2              # how late it is
        sll     $3, $2, 1
        addu    $2, $2, $3
        srl     $2, $2, 4               # in instructions: 16 / 3 units each
        sltiu   $3, $2, 8
        beqz    $3, sync_return         # there was a tick in the last turn
         sll    $2, $2, 2
        lui     $3, %hi(3f)
        addiu   $3, $3, %lo(3f)
        addu    $3, $3, $2
        jr      $3
         nop
3:      .rept   8
        nop
        .endr
sync_return:
        jr      $31
         nop
        .cfi_endproc
        .end    sync_tick
        .size   sync_tick, . - sync_tick
