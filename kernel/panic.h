/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

struct arch_frame;

/* EX_SOFTWARE of BSD's sysexits.h. */
#define PANIC_STATUS 70

/* Reports a CPU exception nobody handled, and ends the program. `handled`: the exception whose
 * handler raised this one, or NULL. */
_Noreturn void panic_exception(struct arch_frame *frame, const struct arch_frame *handled);

/* weft_panic in two halves, for a sentence that takes more than one format: what is printed between
 * them is the sentence. Context: any. */
void panic_open(void);
_Noreturn void panic_close(void);

/* True once a panic has begun: locks and diversions of output no longer count. */
int panic_begun(void);

#endif
