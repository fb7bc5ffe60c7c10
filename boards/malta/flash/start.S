/* SPDX-License-Identifier: MIT */
/*
 * From the reset vector to a program in RAM, on a Malta board that has no other firmware.
 *
 * Nothing works at reset but this code, executed from flash without cache, and registers. In turn:
 * the CPU's own state (CP0, caches, TLB); the system controller's windows, behind which the UART is;
 * the UART; how much RAM there is; the program's copy to RAM, and its check. Then the program starts as
 * any boot loader would start it: a0, a1 = argument count and vector, a2 = 0, a3 = bytes of RAM.
 * What goes wrong is told on the UART, and the board is reset.
 *
 * All RAM accesses are uncached (kseg1), so there is nothing to write back: the caches are empty
 * when the program is entered through kseg0.
 *
 * Sources: MIPS32 PRA (MD00090), "Reset", "CP0 registers"; MIPS32 24K user's manual (MD00343), chapter
 * on cache initialisation; Malta user's manual (MD00048), chapters 4 and 5; Galileo GT-64120A data sheet,
 * "Address space decoding"; SMSC FDC37M81x data sheet, "Configuration".
 *
 * The SDRAM controller is left as it is: an emulator's RAM needs no timing (README.md of the board).
 */
#include "boards/malta/flash/header.h"

#define CP0_INDEX $0
#define CP0_ENTRYLO0 $2
#define CP0_ENTRYLO1 $3
#define CP0_PAGEMASK $5
#define CP0_WIRED $6
#define CP0_ENTRYHI $10
#define CP0_COUNT $9
#define CP0_COMPARE $11
#define CP0_STATUS $12
#define CP0_CAUSE $13
#define CP0_EPC $14
#define CP0_CONFIG $16
#define CP0_CONFIG1 $16, 1
#define CP0_WATCHLO $18
#define CP0_WATCHHI $19
#define CP0_ITAGLO $28
#define CP0_DTAGLO $28, 2

#define STATUS_BEV 0x00400000
#define CONFIG_K0_CACHED 3 /* write-back, write-allocate */
#define CONFIG_MT_TLB 1
#define CONFIG1_WATCH_BIT 3
#define INDEX_STORE_TAG_I 0x08
#define INDEX_STORE_TAG_D 0x09

#define KSEG0 0x80000000
#define KSEG1 0xa0000000
#define FLASH_KSEG1 0xbfc00000

/* Malta: kseg1 addresses. */
#define MALTA_REVISION 0xbfc00010 /* CORID, bits 15-10: which core card is plugged in */
#define MALTA_CORID_CORE_LV 1     /* the card with a GT-64120 */
#define MALTA_DISPLAY 0xbf000418  /* eight characters, eight bytes apart */
#define MALTA_SOFT_RESET 0xbf000500
#define MALTA_GO_RESET 0x42
#define MALTA_ISA_IO 0xb8000000
#define MALTA_UART (MALTA_ISA_IO + 0x3f8)
#define MALTA_SUPER_IO (MALTA_ISA_IO + 0x3f0)
#define UART_DIVISOR (1843200 / 16 / 115200)

/* GT-64120A registers. They are little-endian whatever the CPU is. Windows are given in units of 2 MiB:
 * a low address, and the address bits 27-21 of the last unit. */
#define GT_RESET_BASE 0xb4000000
#define GT_BASE 0xbbe00000
#define GT_INTERNAL_DECODE 0x68
#define GT_PCI0_IO_LOW 0x48
#define GT_PCI0_IO_HIGH 0x50
#define GT_PCI0_MEM0_LOW 0x58
#define GT_PCI0_MEM0_HIGH 0x60
#define GT_PCI0_MEM1_LOW 0x80
#define GT_PCI0_MEM1_HIGH 0x88
#define GT_UNIT_SHIFT 21

#define RAM_STEP_SHIFT 20       /* measured in MiB */
#define RAM_KSEG0_BYTES 0x10000000 /* above 256 MB lies I/O */
#define RAM_PATTERN 0x5aa5c33c

/* clang-format off */
#ifdef __MIPSEB__
#define LITTLE(word) ((((word) & 0xff) << 24) | (((word) & 0xff00) << 8) | (((word) >> 8) & 0xff00) | (((word) >> 24) & 0xff))
#else
#define LITTLE(word) (word)
#endif

        .section .text.flash, "ax", @progbits
        .set    reorder                 # the assembler fills the delay slots, and may use $at

/* The CPU's vectors while Status.BEV is set, in the order in which they lie. */
        .globl  flash_reset
flash_reset:
        b       flash_start

        .org    FLASH_MAGIC_AT
        .fill   (FLASH_HEADER_END - FLASH_MAGIC_AT) / 4, 4, 0

        .org    0x200                   # TLB refill
        b       flash_exception
        .org    0x300                   # cache error
        b       flash_exception
        .org    0x380                   # general
        b       flash_exception
        .org    0x400                   # interrupt
        b       flash_exception
        .org    0x480                   # debug
        b       flash_exception

/* The GT-64120's register `at`, by a base register, to a value. Clobbers t0. */
        .macro  gt_write base, at, value
        li      $t0, LITTLE(\value)
        sw      $t0, \at(\base)
        .endm

/* The configuration register `index` of the super I/O chip; t9 is its port. Clobbers t0. */
        .macro  super_io index, value
        li      $t0, \index
        sb      $t0, 0($t9)
        li      $t0, \value
        sb      $t0, 1($t9)
        .endm

        .macro  uart_write at, value
        li      $t0, \value
        sb      $t0, \at($t9)
        .endm

/* Bit field `shift`, 3 bits wide, of Config1 (in t0), as it describes a cache. */
        .macro  config1_field to, shift
        srl     \to, $t0, \shift
        andi    \to, \to, 7
        .endm

/*
 * Empties one cache: writes a zero tag at every index. `shift` is where Config1 describes it: sets per
 * way 64 << field (7 means 32), line bytes 2 << field (0 means that there is no such cache), ways field + 1.
 */
        .macro  cache_empty operation, sets, line, ways
        config1_field $t1, \line
        beqz    $t1, 2f
        li      $t2, 2
        sllv    $t2, $t2, $t1           # bytes per line
        config1_field $t1, \sets
        addiu   $t1, $t1, 1
        andi    $t1, $t1, 7             # 7, which means 32, becomes 0
        li      $t3, 32
        sllv    $t3, $t3, $t1           # lines per way
        config1_field $t1, \ways
        addiu   $t1, $t1, 1
        mul     $t3, $t3, $t1
        li      $t4, KSEG0
1:      cache   \operation, 0($t4)
        addu    $t4, $t4, $t2
        addiu   $t3, $t3, -1
        bnez    $t3, 1b
2:
        .endm

flash_start:
        /* CP0: kernel mode, no interrupts, no watchpoints, exceptions to the vectors above. */
        li      $t0, STATUS_BEV
        mtc0    $t0, CP0_STATUS
        mtc0    $zero, CP0_CAUSE
        mtc0    $zero, CP0_COUNT
        li      $t0, -1
        mtc0    $t0, CP0_COMPARE
        ehb
        mfc0    $t0, CP0_CONFIG1
        ext     $t1, $t0, CONFIG1_WATCH_BIT, 1
        beqz    $t1, 3f
        mtc0    $zero, CP0_WATCHLO
        mtc0    $zero, CP0_WATCHHI
3:
        /* Caches. Their contents and tags are random at power-on. */
        mtc0    $zero, CP0_ITAGLO
        mtc0    $zero, CP0_DTAGLO
        ehb
        cache_empty INDEX_STORE_TAG_I, 22, 19, 16
        cache_empty INDEX_STORE_TAG_D, 13, 10, 7
        sync
        mfc0    $t1, CP0_CONFIG
        li      $t2, CONFIG_K0_CACHED
        ins     $t1, $t2, 0, 3
        mtc0    $t1, CP0_CONFIG
        ehb

        /* TLB (if Config.MT says that there is one): every entry invalid, and no two alike: two that
         * match are a machine check. Addresses in kseg0 never reach the TLB. */
        ext     $t1, $t1, 7, 3
        li      $t2, CONFIG_MT_TLB
        bne     $t1, $t2, 5f
        srl     $t1, $t0, 25
        andi    $t1, $t1, 63            # index of the last entry
        mtc0    $zero, CP0_ENTRYLO0
        mtc0    $zero, CP0_ENTRYLO1
        mtc0    $zero, CP0_PAGEMASK
        mtc0    $zero, CP0_WIRED
        li      $t2, KSEG0
4:      mtc0    $t1, CP0_INDEX
        mtc0    $t2, CP0_ENTRYHI
        ehb
        tlbwi
        addiu   $t2, $t2, 0x2000        # the next pair of pages
        addiu   $t1, $t1, -1
        bgez    $t1, 4b
5:
        /* Which system controller? Others than the GT-64120 have other registers, so the UART can't
         * be reached: the board's display has to do. */
        li      $t1, MALTA_REVISION
        lw      $t1, 0($t1)
        ext     $t1, $t1, 10, 6
        li      $t2, MALTA_CORID_CORE_LV
        bne     $t1, $t2, flash_unknown_card

        /* GT-64120: registers from 0x14000000 to 0x1be00000, then PCI I/O at 0x18000000 (2 MiB), PCI
         * memory at 0x10000000 (126 MiB) and 0x18200000 (46 MiB), as YAMON and operating systems expect. */
        li      $t9, GT_RESET_BASE
        gt_write $t9, GT_INTERNAL_DECODE, (0x1be00000 >> GT_UNIT_SHIFT)
        li      $t9, GT_BASE
        gt_write $t9, GT_PCI0_IO_LOW, (0x18000000 >> GT_UNIT_SHIFT)
        gt_write $t9, GT_PCI0_IO_HIGH, ((0x08000000 >> GT_UNIT_SHIFT) & 0x7f)
        gt_write $t9, GT_PCI0_MEM0_LOW, (0x10000000 >> GT_UNIT_SHIFT)
        gt_write $t9, GT_PCI0_MEM0_HIGH, ((0x07e00000 >> GT_UNIT_SHIFT) & 0x7f)
        gt_write $t9, GT_PCI0_MEM1_LOW, (0x18200000 >> GT_UNIT_SHIFT)
        gt_write $t9, GT_PCI0_MEM1_HIGH, ((0x0bc00000 >> GT_UNIT_SHIFT) & 0x7f)

        /* The super I/O chip behind the south bridge: its first UART at 0x3f8, interrupt line 4, on. */
        li      $t9, MALTA_SUPER_IO
        li      $t0, 0x55               # enters configuration
        sb      $t0, 0($t9)
        super_io 0x07, 4                # logical device: serial port 1
        super_io 0x60, 0x03
        super_io 0x61, 0xf8
        super_io 0x70, 4
        super_io 0x30, 1
        li      $t0, 0xaa               # leaves it
        sb      $t0, 0($t9)

        li      $t9, MALTA_UART         # 115200 baud, 8 bits, no parity
        uart_write 1, 0
        uart_write 3, 0x83
        uart_write 0, UART_DIVISOR
        uart_write 1, 0
        uart_write 3, 0x03
        uart_write 2, 0x07

        /* The header. s0: its address, throughout. */
        li      $s0, FLASH_KSEG1
        lw      $t0, FLASH_MAGIC_AT($s0)
        li      $t1, FLASH_MAGIC
        la      $a0, flash_text_no_program
        bne     $t0, $t1, flash_stop

        /* RAM: a step is there when its first word keeps what is written while the first step's is
         * written too (addresses that are not decoded repeat the RAM below, or keep nothing). */
        lw      $s1, FLASH_RAM_AT($s0)  # s1: bytes of RAM, throughout
        bnez    $s1, 8f
        li      $t0, KSEG1
        li      $t1, RAM_PATTERN
6:      not     $t2, $t1
        addu    $t3, $t0, $s1
        sw      $t2, 0($t0)
        sw      $t1, 0($t3)
        beqz    $s1, 7f
        sync
        lw      $t4, 0($t0)
        bne     $t4, $t2, 8f            # it is the first step again
7:      sync
        lw      $t4, 0($t3)
        bne     $t4, $t1, 8f            # nothing there
        li      $t4, 1 << RAM_STEP_SHIFT
        addu    $s1, $s1, $t4
        addiu   $t1, $t1, 0x1357
        li      $t4, RAM_KSEG0_BYTES
        bne     $s1, $t4, 6b
8:
        /* Is there room for the program? */
        la      $a0, flash_text_memory
        jal     flash_print
        srl     $a0, $s1, RAM_STEP_SHIFT
        li      $a1, 10
        jal     flash_print_number
        lw      $t0, FLASH_RAM_END_AT($s0)
        li      $t1, KSEG0
        subu    $t0, $t0, $t1
        la      $a0, flash_text_small
        bltu    $s1, $t0, flash_stop

        /* Copy, flash to RAM. */
        la      $a0, flash_text_copy
        jal     flash_print
        lw      $t1, FLASH_LOAD_AT($s0)
        li      $t2, KSEG0 ^ KSEG1
        or      $t1, $t1, $t2           # to, uncached
        lw      $t2, FLASH_BYTES_AT($s0)
        addu    $t2, $t1, $t2
        addiu   $t0, $s0, FLASH_PROGRAM_AT
        move    $t3, $t1
9:      lw      $t4, 0($t0)
        lw      $t5, 4($t0)
        lw      $t6, 8($t0)
        lw      $t7, 12($t0)
        sw      $t4, 0($t3)
        sw      $t5, 4($t3)
        sw      $t6, 8($t3)
        sw      $t7, 12($t3)
        addiu   $t0, $t0, FLASH_UNIT_BYTES
        addiu   $t3, $t3, FLASH_UNIT_BYTES
        bne     $t3, $t2, 9b
        sync

        /* Check what has arrived. */
        li      $t5, 0
        li      $t6, 0
10:     lw      $t4, 0($t1)
        addu    $t5, $t5, $t4
        addu    $t6, $t6, $t5
        addiu   $t1, $t1, 4
        bne     $t1, $t2, 10b
        lw      $t0, FLASH_SUM1_AT($s0)
        lw      $t1, FLASH_SUM2_AT($s0)
        la      $a0, flash_text_damaged
        bne     $t5, $t0, flash_stop
        bne     $t6, $t1, flash_stop

        la      $a0, flash_text_start
        jal     flash_print
        lw      $t9, FLASH_ENTRY_AT($s0)
        lw      $a0, FLASH_ARGC_AT($s0)
        lw      $a1, FLASH_ARGV_AT($s0)
        li      $a2, 0
        move    $a3, $s1
        jr.hb   $t9

/* ---- messages ---- */

/* Sends the text at a0 (ended by 0). Clobbers t0, t1, a0. */
flash_print:
        li      $t1, MALTA_UART
1:      lbu     $t0, 5($t1)             # until the transmitter takes a byte
        andi    $t0, $t0, 0x20
        beqz    $t0, 1b
        lbu     $t0, 0($a0)
        beqz    $t0, 2f
        sb      $t0, 0($t1)
        addiu   $a0, $a0, 1
        b       1b
2:      jr      $ra

/* Sends the number a0 in base a1. Clobbers t0-t3, a0. */
flash_print_number:
        li      $t2, 1                  # the place's value: the highest one that is needed
1:      divu    $zero, $a0, $t2
        mflo    $t3
        bltu    $t3, $a1, 2f
        mul     $t2, $t2, $a1
        b       1b
2:      divu    $zero, $a0, $t2
        mflo    $t3                     # the digit
        mfhi    $a0                     # the rest
        sltiu   $t0, $t3, 10
        addiu   $t3, $t3, '0'
        bnez    $t0, 3f
        addiu   $t3, $t3, 'a' - '0' - 10
3:      li      $t1, MALTA_UART
4:      lbu     $t0, 5($t1)
        andi    $t0, $t0, 0x20
        beqz    $t0, 4b
        sb      $t3, 0($t1)
        divu    $zero, $t2, $a1
        mflo    $t2
        bnez    $t2, 2b
        jr      $ra

/* An exception before the program runs. */
flash_exception:
        la      $a0, flash_text_exception
        jal     flash_print
        mfc0    $a0, CP0_CAUSE
        li      $a1, 16
        jal     flash_print_number
        la      $a0, flash_text_at
        jal     flash_print
        mfc0    $a0, CP0_EPC
        li      $a1, 16
        jal     flash_print_number
        la      $a0, flash_text_end

/* Sends the text at a0, lets the line run empty and a reader catch up, and resets the board. */
flash_stop:
        jal     flash_print
        li      $t1, MALTA_UART
1:      lbu     $t0, 5($t1)
        andi    $t0, $t0, 0x40
        beqz    $t0, 1b
        mtc0    $zero, CP0_COUNT
        ehb
        li      $t1, 50000000           # a third of a second at least, up to two
2:      mfc0    $t0, CP0_COUNT
        bltu    $t0, $t1, 2b
        li      $t1, MALTA_SOFT_RESET
        li      $t0, MALTA_GO_RESET
        sw      $t0, 0($t1)
3:      b       3b

/* The eight-character display, when there is nothing better. */
flash_unknown_card:
        li      $t1, MALTA_DISPLAY
        la      $a0, flash_text_display
1:      lbu     $t0, 0($a0)
        sw      $t0, 0($t1)
        addiu   $t1, $t1, 8
        addiu   $a0, $a0, 1
        andi    $t0, $t1, 0xff
        li      $t2, (MALTA_DISPLAY + 64) & 0xff
        bne     $t0, $t2, 1b
2:      b       2b

flash_text_memory:
        .asciz  "\r\nweft flash: MiB of RAM: "
flash_text_copy:
        .asciz  "\r\nweft flash: copying the program to RAM\r\n"
flash_text_start:
        .asciz  "weft flash: starting it\r\n"
flash_text_no_program:
        .asciz  "\r\nweft flash: there is no program behind the start code; make the image with `make image`\r\n"
flash_text_small:
        .asciz  "\r\nweft flash: this is too little RAM for the program; make a smaller one\r\n"
flash_text_damaged:
        .asciz  "weft flash: the program in RAM is not the one that was made: flash or RAM is damaged; write the flash again\r\n"
flash_text_exception:
        .asciz  "\r\nweft flash: exception in the start code, cause 0x"
flash_text_at:
        .asciz  " at 0x"
flash_text_end:
        .asciz  "\r\n"
flash_text_display:
        .ascii  "NO GT64!"
