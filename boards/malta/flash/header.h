/* SPDX-License-Identifier: MIT */
/*
 * A Malta flash image, as the CPU sees it from 0xbfc00000 (and at 0xbe000000):
 *
 *   0          start code (start.S), which runs in place, uncached; this header is at 0x20
 *   0x1000     the program's segments, as one stretch, copied to their address in RAM
 *   behind     the arguments, then the INPUT file; both are read where they are, cached
 *
 * Shared by the start code and the host tool (`weft flash`), which fills the header in.
 */
#ifndef BOARDS_MALTA_FLASH_HEADER_H
#define BOARDS_MALTA_FLASH_HEADER_H

/* Words of the header, as byte offsets from the image's start. The board puts its revision over
 * the word at 0x10. */
#define FLASH_MAGIC_AT 0x20 /* FLASH_MAGIC, in the target's byte order */
#define FLASH_LOAD_AT 0x24  /* where the program goes: kseg0 */
#define FLASH_BYTES_AT 0x28 /* of the program in flash, a multiple of FLASH_UNIT_BYTES */
#define FLASH_ENTRY_AT 0x2c /* kseg0 */
#define FLASH_SUM1_AT 0x30  /* of the program's words, see below */
#define FLASH_SUM2_AT 0x34
#define FLASH_RAM_AT 0x38 /* bytes of RAM; 0: the start code measures it */
#define FLASH_ARGC_AT 0x3c
#define FLASH_ARGV_AT 0x40    /* address of the argument vector: kseg0, in flash */
#define FLASH_RAM_END_AT 0x44 /* address behind the program's .bss: what RAM it needs at least */
#define FLASH_HEADER_END 0x48

#define FLASH_MAGIC 0x57454654 /* "WEFT" */
#define FLASH_PROGRAM_AT 0x1000
#define FLASH_UNIT_BYTES 16

/* The image's size: 4 MB of flash less the last 128 KiB, which belong to the monitor's settings
 * (MD00048, section 4.5; QEMU does not swap them for little-endian machines either). */
#define FLASH_BYTES_MAX 0x3e0000

/* Where the CPU finds the image: the reset vector's segment, cached. */
#define FLASH_KSEG0 0x9fc00000

/*
 * The checksum: sum1 adds up the words, sum2 the values of sum1 after each word, both modulo 2^32
 * (J. G. Fletcher, "An Arithmetic Checksum for Serial Transmissions", 1982, with words for bytes):
 * two additions a word, and words that were swapped are noticed. It is taken from RAM after
 * copying, so it checks the flash and the RAM.
 */

#endif
