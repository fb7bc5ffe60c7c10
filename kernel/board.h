/* SPDX-License-Identifier: MIT */
/*
 * What a board supplies. Every function is called by the kernel only; boards/template is an empty,
 * documented implementation.
 */
#ifndef KERNEL_BOARD_H
#define KERNEL_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A board that is linked by weft's linker script, or by one that includes its fragments, says so in
 * board_early_init: a link without one of them then fails with a name below, which is a sentence.
 */
extern const char weft_error__the_linker_script_must_include_wefts_fragments[];
extern const char weft_error__the_linker_script_must_include_weft_text_ld[];
extern const char weft_error__the_linker_script_must_include_weft_data_ld[];
extern const char weft_error__the_linker_script_must_include_weft_bss_ld[];
static inline void board_needs_linker_script(void)
{
    __asm__ volatile("" ::"r"(weft_error__the_linker_script_must_include_wefts_fragments));
    __asm__ volatile("" ::"r"(weft_error__the_linker_script_must_include_weft_text_ld));
    __asm__ volatile("" ::"r"(weft_error__the_linker_script_must_include_weft_data_ld));
    __asm__ volatile("" ::"r"(weft_error__the_linker_script_must_include_weft_bss_ld));
}

/* The boot loader's arguments, as the arch's reset code found them. The console works afterwards,
 * polled. Nothing else works yet. */
void board_early_init(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3);

/* Interrupt controllers, the clock's frequency. Interrupts are off. */
void board_init(void);

/* Frequency of arch_clock's counter, in Hz; measured by board_init where the board has a reference.
 */
uint64_t board_clock_hz(void);

/* A stretch of RAM that the heap may own: not the image, not the INPUT file. Called with index 0,
 * 1, ... until false. */
struct board_region {
    void *start;
    size_t bytes;
};
bool board_heap_region(unsigned index, struct board_region *region);

/* The INPUT file and the command line (one string, blanks between arguments). NULL when none. */
const void *board_input(size_t *bytes);
const char *board_command_line(void);

/* A device of files that the board has of its own (the emulator's host, say); NULL: none. Called
 * when a program opens its first file, or later. */
struct weft_file_device;
struct weft_file_device *board_file_device(void);

/* 32 bytes from the best source of randomness there is; false when there is none. */
bool board_random_seed(uint8_t seed[32]);

/* Sends bytes, waiting for the line (polled). Context: any. */
void board_console_write(const char *bytes, size_t count);

/* The next received byte, or -1. Context: any. */
int board_console_read(void);

/* An external interrupt (the port's `pending` bits). Handles every source that is raised. */
void board_interrupt(uintptr_t pending);

/* May a handler that board_interrupt calls wake a thread? False only if all that it ever does is to
 * pass received bytes to console_received: sleeping threads that nothing else can wake are then
 * called a deadlock. True when in doubt. Context: any. */
bool board_wakes(void);

/* Whole pages inside a heap region go out of use, or come back (requirements A7). What was released
 * reads as anything. Called without any lock held. */
void board_pages_release(void *start, size_t bytes);
void board_pages_commit(void *start, size_t bytes);

/* Stack guards. board_guard_bytes: size and alignment of what can be made inaccessible; 0: this
 * board can't. board_guard_set: from now on every access to the page traps, on every core, and the
 * memory behind it, up to `end`, is a stack (used ARCH_STACK_ALIAS bytes further up:
 * arch/context.h); false: not possible now. board_guard_clear: all of it is ordinary memory again.
 * Thread or boot context, no lock held. */
size_t board_guard_bytes(void);
bool board_guard_set(void *page, const void *end);
void board_guard_clear(void *page, const void *end);

/* More than one core (a board whose board_CORES_MAX is 1 has none of these three).
 * board_core_start: lets core `id` (1 ..) begin in the port's reset code; false: there is no such
 * core. board_core_init: on that core, its interrupt controller, and its clock, which from then on
 * agrees with core 0's to within what moving a thread takes; interrupts are off.
 * board_ipi_send: interrupts `core`, which finds out why by looking (core->reschedule). Any
 * context; interrupts are off. board_nmi_send: the same where interrupts are off on that core, too;
 * false: this board has no such interrupt. */
bool board_core_start(unsigned id);
void board_core_init(void);
void board_ipi_send(unsigned core);
bool board_nmi_send(unsigned core);

/* Ends the program with an exit status, 0..255, as the board can; does not return. */
_Noreturn void board_exit(int status);

#endif
