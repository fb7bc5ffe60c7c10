/* SPDX-License-Identifier: MIT */
/* Software interrupts. They arrive in kernel/trap.c. */
#include "kernel/interrupt.h"

#include <weft/console.h>

#include "arch/irq.h"
#include "arch/trap.h"

static void nobody(void *argument)
{
    weft_panic("software interrupt %u was raised and nobody handles it: call weft_interrupt_handle "
               "first",
               (unsigned)(uintptr_t)argument);
}

struct interrupt_line interrupt_lines[WEFT_INTERRUPT_LINES] = {{nobody, (void *)0},
                                                               {nobody, (void *)1}};

int weft_interrupt_handle(unsigned line, weft_interrupt_handler handler, void *argument)
{
    arch_irq_state state;

    if (line >= WEFT_INTERRUPT_LINES)
        return WEFT_EINVAL;
    state = arch_irq_save();
    interrupt_lines[line] = handler != NULL
                                ? (struct interrupt_line){handler, argument}
                                : (struct interrupt_line){nobody, (void *)(uintptr_t)line};
    arch_irq_restore(state);
    return 0;
}

static __attribute__((noinline)) _Noreturn void no_such_line(unsigned line)
{
    weft_panic("weft_interrupt_raise: there is no line %u, only 0 and 1", line);
}

void weft_interrupt_raise(unsigned line)
{
    if (__builtin_expect(line >= WEFT_INTERRUPT_LINES, 0))
        no_such_line(line);
    arch_soft_raise(line);
}
