/* SPDX-License-Identifier: MIT */
/* This firmware's own reset code: entered by a loader that has filled RAM (QEMU -kernel). */
        .set    noreorder
        .section .own_start, "ax", @progbits
        .globl  own_reset
own_reset:
        mfc0    $t0, $12                # Status: kernel mode, interrupts off, only our own line unmasked
        li      $t1, 0x20000000         # (the FPU's bit is all that stays)
        and     $t0, $t0, $t1
        ori     $t0, $t0, 0x100         # IM0: software interrupt 0
        mtc0    $t0, $12
        li      $t0, 0x00800000         # Cause.IV: interrupts have a vector of their own
        mtc0    $t0, $13
        ehb
        la      $gp, _gp
        la      $sp, own_boot_stack + 4096 - 32
        la      $t0, __bss_start
        la      $t1, __bss_end
1:      sw      $zero, 0($t0)
        addiu   $t0, $t0, 4
        bltu    $t0, $t1, 1b
         nop
        jal     own_boot                # main.c; never returns
         nop

        .section .bss.own_boot_stack, "aw", @nobits
        .balign 16
own_boot_stack:
        .space  4096
