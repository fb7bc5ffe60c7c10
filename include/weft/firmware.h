/* SPDX-License-Identifier: MIT */
/*
 * weft inside a firmware that has its own startup code, linker script and vectors (the target
 * firmware-ARCH). The firmware hands weft one stretch of memory, one timer interrupt and the means
 * to print and to end; everything else of the machine stays the firmware's.
 *
 * In order: reset code sets up the CPU, RAM and .bss; C fills in a struct weft_firmware and calls
 * weft_start, which turns into thread 1 and runs main(). docs/install.md shows the linker script's
 * part, examples/own-firmware is a whole one.
 */
#ifndef WEFT_FIRMWARE_H
#define WEFT_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The least `memory_bytes`: below this not even the first threads' stacks fit. */
#define WEFT_FIRMWARE_MEMORY_MIN 65536

struct weft_firmware {
    /* The heap, thread stacks included: RAM that nobody else uses, outside the image (the linker
     * script's __text_start to __image_end); aligned to 16. */
    void *memory;
    size_t memory_bytes;

    /* The CPU's cycle counter (MIPS: Count; amd64: the time stamp counter), in Hz: 1 MHz to 8 GHz.
     */
    uint64_t clock_hz;

    /* Sends bytes, polled, and returns when they are accepted. Context: any, interrupts included,
     * and a system that is dying. On amd64 this function and those below must not touch vector or
     * x87 registers (gcc: -mgeneral-regs-only, or the attribute target("general-regs-only")). */
    void (*console_write)(const char *bytes, size_t count);

    /* Ends the program: power off, reset, or stop. Must not return. Context: any. */
    void (*exit)(int status);

    /* What follows may be NULL or 0. */

    /* What weft leaves in force. NULL: weft's own vectors are used.
     * MIPS: the page of vectors (4 KiB aligned, as EBase wants it). It must send the timer's
     * interrupt, and every exception that it does not handle itself, to the weft_vector_... below.
     * amd64: the interrupt table, 256 gates, aligned to 16, in RAM. Gates that are present stay as
     * they are; weft puts its own into the empty ones, 0xe0, the local APIC timer's, among them.
     * The segment and task tables become weft's: gates name code segment 0x08, and IST 0 (their
     * handlers run on the interrupted thread's stack, and acknowledge at the APIC themselves). */
    void *vectors;

    /* Interrupts other than the timer's, that came through weft's vectors. `lines`: MIPS Cause;
     * amd64: the vector less 0x20 (weft acknowledges it at the local APIC). The handler removes
     * their cause, or masks them. Interrupt context. */
    void (*interrupt)(uintptr_t lines);

    /* 32 unpredictable bytes, for the stack canary; false: there are none. */
    bool (*random_seed)(uint8_t seed[32]);

    /* What weft_input() gives, and main's arguments (words between blanks). */
    const void *input;
    size_t input_bytes;
    const char *command_line;
};

/* Starts weft; main() runs in thread 1 and exit() ends in firmware->exit. The struct is copied.
 * What is wrong with it is said on the console in one sentence, and exit is called with status 78.
 * Context: the firmware's boot stack, interrupts off, once. MIPS: Status.IM's own lines stay as
 * they are, IM7 becomes weft's. amd64: 64-bit mode, the image, the memory and the local APIC's page
 * mapped onto themselves below 2 GiB; its timer becomes weft's, LINT0 and LINT1 stay. */
WEFT_NORETURN void weft_start(const struct weft_firmware *firmware);

/* A byte has come from the console, for stdin. Interrupt context. */
void weft_firmware_received(int byte);

/* MIPS: where the firmware's vectors jump to, with every register but k0 and k1 as it was when the
 * interrupt or exception came, Cause.IV being 1. Not functions to be called. The timer's interrupt
 * (Cause.IP7) goes to weft_vector_interrupt. */
void weft_vector_tlb_refill(void);
void weft_vector_cache_error(void);
void weft_vector_exception(void);
void weft_vector_interrupt(void);

#ifdef __cplusplus
}
#endif

#endif
