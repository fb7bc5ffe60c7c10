/* SPDX-License-Identifier: MIT */
/*
 * This firmware's own reset code: entered in 32-bit protected mode by a loader that has filled RAM (PVH, as
 * QEMU's -kernel does it), it maps the first 4 GiB, switches to 64-bit mode and calls C. And its own interrupt
 * handler, which weft never sees.
 */
        .section .own_note, "a", @note
        .long   4, 8, 18                # XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .quad   own_reset

        .section .own_start, "ax", @progbits
        .code32
        .globl  own_reset
own_reset:
        cli
        cld
        movl    $__bss_start, %edi
        movl    $__bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        rep stosb
        movl    $own_directories + 3, %eax # present, writable
        movl    $own_upper + 3, own_root
        xorl    %ecx, %ecx
1:      movl    %eax, own_upper(, %ecx, 8)
        addl    $4096, %eax
        incl    %ecx
        cmpl    $4, %ecx
        jb      1b
        movl    $0x83, %eax             # and large: 2 MiB each
        xorl    %ecx, %ecx
2:      movl    %eax, own_directories(, %ecx, 8)
        addl    $0x200000, %eax
        incl    %ecx
        cmpl    $2048, %ecx
        jb      2b
        orl     $0x18, own_directories + 2039 * 8 # 0xfee00000, the local APIC: not cached
        movl    $0x620, %eax            # PAE; SSE, which the compiler uses
        movl    %eax, %cr4
        movl    $own_root, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       # EFER.LME
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000003, %eax       # paging, protection, MP
        movl    %eax, %cr0
        lgdt    own_segments_pointer
        ljmp    $8, $own_reset_64

        .code64
own_reset_64:
        movl    $16, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $own_boot_stack + 4096, %esp
        callq   own_boot                # main.c; never returns
        ud2

/* Our own interrupt: counted and acknowledged, on the stack of whatever ran. */
        .globl  own_interrupt_entry
own_interrupt_entry:
        pushq   %rax
        incl    own_interrupts
        movl    $0xfee000b0, %eax       # the local APIC's EOI
        movl    $0, (%rax)
        popq    %rax
        iretq

        .balign 8
own_segments:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
own_segments_pointer:
        .word   23
        .long   own_segments

        .section .bss.own_boot_stack, "aw", @nobits
        .balign 4096
own_root:
        .space  4096
own_upper:
        .space  4096
own_directories:
        .space  4 * 4096
own_boot_stack:
        .space  4096

        .section .note.GNU-stack, "", @progbits
