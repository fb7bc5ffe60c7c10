/* SPDX-License-Identifier: MIT */
/* Addresses of the MIPS Malta board: MIPS MD00048, "MIPS Malta User's Manual", chapter 4. */
#ifndef BOARDS_MALTA_MALTA_H
#define BOARDS_MALTA_MALTA_H

#define MALTA_RAM 0x80000000u              /* kseg0 */
#define MALTA_RAM_DEFAULT_BYTES 0x4000000u /* when the loader does not say */
#define MALTA_RAM_KSEG0_BYTES 0x10000000u  /* above 256 MB lies I/O */
#define MALTA_PHYSICAL_MASK 0x1fffffffu    /* of an address in kseg0 or kseg1 */
#define MALTA_HEAP_MINIMUM_BYTES 0x10000u
#define MALTA_ISA_IO 0xb8000000u /* kseg1: PCI I/O space, where PIIX4's legacy devices are */
#define MALTA_UART_PORT 0x3f8
#define MALTA_UART_IRQ 4 /* of the 8259 */
#define MALTA_BAUD 115200
#define MALTA_SOFT_RESET 0xbf000500u /* SOFTRES register; QEMU powers off */
#define MALTA_GO_RESET 0x42u

#define STATUS_UNUSABLE_BOARD 78 /* EX_CONFIG of sysexits.h */

/* cores.c: finds the coherence manager, routes the 8259 and the cores' own interrupts. */
void malta_cores_init(void);

/* host.c: the host's files and the end of the emulator, by semihosting; only where that is on. */
struct weft_file_device *malta_host_files(void);
void malta_host_exit(int status);

/* Asks the other cores to empty their TLBs, and does not wait. */
void malta_cores_empty_tlbs(void);

/* This core's interprocessor interrupt has come: drops it. */
void malta_ipi_acknowledge(void);

#endif
