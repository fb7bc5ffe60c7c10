/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions of a process.
 *
 * A core is a pthread; its interrupts are signals sent to it: the timer's, another core's, the
 * board's devices'. Handlers run on the core's system stack, which is the pthread's alternate
 * signal stack, and the signals of interrupts are blocked there, so that none nests.
 *
 * "Interrupts off" is a word of the core (port/irq.h). A signal that finds it set leaves a bit and
 * goes; when the word is cleared, hosted_irq_take handles what was left as if it had just come.
 *
 * Preemption. The kernel has put the interrupted context, vector registers included, on the system
 * stack. When the verdict is to switch, hosted_signal copies what a call may clobber to the
 * thread's own stack, below the 128 bytes of its red zone, in the layout of the bare-metal port,
 * and changes the signal's context so that it returns into arch_preempt (interrupt.S) on that
 * stack. The handler ends like any other: the kernel's idea of the signal mask and the alternate
 * stack stays right, and there is no jump out of it. arch_preempt calls the scheduler, and, when
 * the thread has the core again, loads everything back.
 *
 * Where a thread may lose the core. Code of libc, of the dynamic linker or of a sanitizer's runtime
 * holds locks that belong to the pthread, not to the thread, so a switch there could deadlock: only
 * an interrupted pc in the image's own .text is preempted. Elsewhere the switch stays wanted, and
 * the timer comes again soon. docs/decisions/0007-hosted-libc.md.
 *
 * Exceptions are SIGSEGV and its like. The kernel says which exception of the CPU it was.
 */
#include <asm/prctl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <weft/console.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/amd64/hosted/hosted.h"
#include "arch/atomic64.h"
#include "arch/context.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/console.h"
#include "kernel/core.h"

#define CHECK_OFFSET(type, field, offset)                                                          \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field " moved")

CHECK_OFFSET(hosted_core, id, HOSTED_ID);
CHECK_OFFSET(hosted_core, irq_off, HOSTED_IRQ_OFF);
CHECK_OFFSET(hosted_core, core, HOSTED_CORE);
CHECK_OFFSET(hosted_core, pending, HOSTED_PENDING);
CHECK_OFFSET(hosted_core, current, HOSTED_CURRENT);
_Static_assert(HOSTED_CORE == GS_CORE && HOSTED_ID == GS_ID && HOSTED_CURRENT == GS_CURRENT,
               "load_core, arch_core_id, arch_current");
CHECK_OFFSET(core, trap_sp, CORE_TRAP_SP);
CHECK_OFFSET(arch_frame, r15, FRAME_R15);
CHECK_OFFSET(arch_frame, rbx, FRAME_RBX);
CHECK_OFFSET(arch_frame, r11, FRAME_R11);
CHECK_OFFSET(arch_frame, rax, FRAME_RAX);
CHECK_OFFSET(arch_frame, rip, FRAME_RIP);
CHECK_OFFSET(arch_frame, rflags, FRAME_RFLAGS);
CHECK_OFFSET(arch_frame, rsp, FRAME_RSP);
_Static_assert(sizeof(struct arch_frame) == FRAME_BYTES, "frame.h");

#define RFLAGS_TRAP 0x100
#define RFLAGS_DIRECTION 0x400
#define XSAVE_ALIGN 64
#define SA_RESTORER 0x04000000u
#define STATUS_HALTED 70 /* EX_SOFTWARE of sysexits.h, as after a panic */
#define EXCEPTIONS_MAX 3 /* nested: the program's, and two of its report (kernel/panic.c) */
#define STATUS_NO_GS 71  /* EX_OSERR; nothing could be printed yet */

/* ThreadSanitizer's runtime, called at every access to memory, must not be entered again from a
 * handler that interrupted it: such a signal waits like one that finds interrupts off. A loop can
 * be in the runtime nearly all of the time, so after PUT_OFF_MIN in a row the way back into the
 * image's code is gone instruction by instruction, if it has no more than STEPS_MAX. If it has, the
 * runtime may be at the report of a race, which takes it a second, and minutes in steps: the next
 * try comes after twice as many, PUT_OFF_MAX (0.3 s of the clock's retries) at most. */
#define PUT_OFF_MIN 3
#define PUT_OFF_MAX (PUT_OFF_MIN << 10)
#define STEPS_MAX 2000
#if defined(HOSTED_SANITIZE_thread)
#define RUNTIME_IS_EVERYWHERE 1
void __tsan_init(void);
#else
#define RUNTIME_IS_EVERYWHERE 0
#endif

struct hosted_core hosted_cores[WEFT_CONFIG_CORES] = {
    [0 ... WEFT_CONFIG_CORES - 1] = {.irq_off = 1, .patience = PUT_OFF_MIN},
};

extern const char __text_start[], __text_end[]; /* linker script */

bool hosted_may_preempt(uintptr_t pc)
{
    uintptr_t text = (uintptr_t)__text_start, resume = (uintptr_t)hosted_resume_begin;

    return pc - text < (uintptr_t)__text_end - text &&
           pc - resume >= (uintptr_t)hosted_resume_end - resume;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void frame_from_context(struct arch_frame *frame, const ucontext_t *context)
{
    const greg_t *from = context->uc_mcontext.gregs;
    uint64_t selectors = (uint64_t)from[REG_CSGSFS]; /* cs, gs, fs, ss */

    *frame = (struct arch_frame){
        .cr2 = (uint64_t)from[REG_CR2],
        .r15 = (uint64_t)from[REG_R15],
        .r14 = (uint64_t)from[REG_R14],
        .r13 = (uint64_t)from[REG_R13],
        .r12 = (uint64_t)from[REG_R12],
        .rbp = (uint64_t)from[REG_RBP],
        .rbx = (uint64_t)from[REG_RBX],
        .r11 = (uint64_t)from[REG_R11],
        .r10 = (uint64_t)from[REG_R10],
        .r9 = (uint64_t)from[REG_R9],
        .r8 = (uint64_t)from[REG_R8],
        .rdi = (uint64_t)from[REG_RDI],
        .rsi = (uint64_t)from[REG_RSI],
        .rdx = (uint64_t)from[REG_RDX],
        .rcx = (uint64_t)from[REG_RCX],
        .rax = (uint64_t)from[REG_RAX],
        .vector = (uint64_t)from[REG_TRAPNO],
        .error = (uint64_t)from[REG_ERR],
        .rip = (uint64_t)from[REG_RIP],
        .cs = selectors & 0xffff,
        .rflags = (uint64_t)from[REG_EFL],
        .rsp = (uint64_t)from[REG_RSP],
        .ss = selectors >> 48,
    };
}

/* An exception's handler may have changed any register. */
static void context_from_frame(ucontext_t *context, const struct arch_frame *frame)
{
    greg_t *to = context->uc_mcontext.gregs;

    to[REG_R15] = (greg_t)frame->r15;
    to[REG_R14] = (greg_t)frame->r14;
    to[REG_R13] = (greg_t)frame->r13;
    to[REG_R12] = (greg_t)frame->r12;
    to[REG_RBP] = (greg_t)frame->rbp;
    to[REG_RBX] = (greg_t)frame->rbx;
    to[REG_R11] = (greg_t)frame->r11;
    to[REG_R10] = (greg_t)frame->r10;
    to[REG_R9] = (greg_t)frame->r9;
    to[REG_R8] = (greg_t)frame->r8;
    to[REG_RDI] = (greg_t)frame->rdi;
    to[REG_RSI] = (greg_t)frame->rsi;
    to[REG_RDX] = (greg_t)frame->rdx;
    to[REG_RCX] = (greg_t)frame->rcx;
    to[REG_RAX] = (greg_t)frame->rax;
    to[REG_RIP] = (greg_t)frame->rip;
    to[REG_EFL] = (greg_t)frame->rflags;
    to[REG_RSP] = (greg_t)frame->rsp;
}

/* Moves the interrupted context to the thread's stack; upcall_sched_may_preempt has checked that
 * there is room. Callee-saved registers stay in the signal's context: the kernel loads them. */
static void preempt(ucontext_t *context, const struct arch_frame *frame)
{
    uint64_t *resume = (uint64_t *)(frame->rsp - RED_ZONE_BYTES - RESUME_BYTES);
    uintptr_t moved = ((uintptr_t)resume - PREEMPT_BYTES) & ~(uintptr_t)15;
    uintptr_t vectors = (moved - hosted_vector_bytes()) & ~(uintptr_t)(XSAVE_ALIGN - 1);
    uint64_t *link = (uint64_t *)(vectors - VECTOR_LINK_BYTES);

    hosted_stack_clean((uintptr_t)link, frame->rsp);
    resume[0] = frame->rflags;
    resume[1] = frame->rip;
    memcpy((void *)moved, &frame->r11, PREEMPT_BYTES);
    memcpy((void *)vectors, context->uc_mcontext.fpregs, hosted_vector_bytes());
    link[0] = moved;
    context->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)link;
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)arch_preempt;
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)RFLAGS_DIRECTION;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static bool dispatch(struct arch_frame *frame, uint32_t which)
{
    bool verdict = false;

    if (which & HOSTED_TIMER)
        verdict = upcall_timer(frame);
    if (which & (HOSTED_DEVICE | HOSTED_IPI))
        verdict = upcall_interrupt(frame, which & (HOSTED_DEVICE | HOSTED_IPI));
    for (unsigned line = VECTOR_SOFT_LINES; line-- > 0;)
        if (which & HOSTED_SOFT << line)
            verdict = upcall_interrupt(frame, VECTOR_SOFT + line);
    return verdict;
}

bool hosted_pending(struct arch_frame *frame)
{
    struct hosted_core *self = &hosted_cores[arch_core_id()];

    return dispatch(frame, __atomic_exchange_n(&self->pending, 0, __ATOMIC_RELAXED));
}

/* No signal: where interrupts are off, whoever turns them on looks. A signal's handler does before
 * it ends. */
void amd64_soft_raise(unsigned line)
{
    arch_irq_state state = arch_irq_save();

    __atomic_fetch_or(&hosted_cores[arch_core_id()].pending, HOSTED_SOFT << line, __ATOMIC_RELAXED);
    arch_irq_restore(state);
}

static void put_off(struct hosted_core *self, ucontext_t *context)
{
    if (++self->put_off > self->patience) {
        self->put_off = 0;
        self->steps_left = STEPS_MAX;
        context->uc_mcontext.gregs[REG_EFL] |= RFLAGS_TRAP;
    } else if (self->steps_left == 0) {
        hosted_clock_retry_irqoff();
    }
}

static void interrupt(struct hosted_core *self, uint32_t which, ucontext_t *context,
                      struct arch_frame *frame)
{
    bool verdict;

    if (self->irq_off) {
        self->pending |= which;
        return;
    }
    which |= __atomic_exchange_n(&self->pending, 0, __ATOMIC_RELAXED);
    if (RUNTIME_IS_EVERYWHERE &&
        !hosted_may_preempt((uintptr_t)context->uc_mcontext.gregs[REG_RIP])) {
        self->pending |= which;
        put_off(self, context);
        return;
    }
    self->put_off = 0;
    self->patience = PUT_OFF_MIN;
    self->irq_off = 1;
    frame_from_context(frame, context);
    verdict = dispatch(frame, which);
    if (self->pending != 0) /* raised by a handler: it comes when this signal has ended */
        hosted_interrupt_send(self->id, HOSTED_SIGNAL_IPI);
    if (verdict) {
        if (hosted_may_preempt(frame->rip)) {
            preempt(context, frame);
            return; /* interrupts stay off until upcall_preempt has returned */
        }
        hosted_clock_retry_irqoff();
    }
    arch_cpu_idle_resume(frame);
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)frame->rip;
    self->irq_off = 0;
}

/* The trap behind an instruction: which may have been hosted_resume's, that loads the flags. */
static void step(struct hosted_core *self, ucontext_t *context, struct arch_frame *frame)
{
    bool arrived = hosted_may_preempt((uintptr_t)context->uc_mcontext.gregs[REG_RIP]);

    if (!arrived && --self->steps_left != 0) {
        context->uc_mcontext.gregs[REG_EFL] |= RFLAGS_TRAP;
        return;
    }
    self->steps_left = 0;
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)RFLAGS_TRAP;
    if (arrived) {
        interrupt(self, __atomic_exchange_n(&self->pending, 0, __ATOMIC_RELAXED), context, frame);
    } else {
        if (self->patience < PUT_OFF_MAX)
            self->patience *= 2;
        hosted_clock_retry_irqoff();
    }
}

/* Somebody wants to know what a running, or hung, program does: whatever state it is in. */
static void dump(struct hosted_core *self, const ucontext_t *context, struct arch_frame *frame)
{
    struct core *core = self->core;
    struct arch_frame *interrupted = core->frame;
    uint32_t off = self->irq_off;

    self->irq_off = 1;
    frame_from_context(frame, context);
    core->interrupt_depth++;
    core->frame = frame;
    console_break();
    core->frame = interrupted;
    core->interrupt_depth--;
    self->irq_off = off;
}

/* ---- exceptions ------------------------------------------------------------------------------ */

/* An exception in the report of an exception in a report: nothing that could be called works. */
static _Noreturn void give_up(uintptr_t pc)
{
    static const char digits[] = "0123456789abcdef";
    char line[] = "\nweft: the report of an exception failed at pc=0x0000000000000000\n";

    for (size_t at = sizeof line - 3; pc != 0; at--, pc >>= 4)
        line[at] = digits[pc & 15];
    hosted_syscall(SYS_write, STDOUT_FILENO, (long)line, sizeof line - 1, 0);
    for (;;)
        hosted_syscall(SYS_exit_group, STATUS_HALTED, 0, 0, 0);
}

static void exception(struct hosted_core *self, int signal, const siginfo_t *info,
                      ucontext_t *context, struct arch_frame *frame)
{
    uint32_t off = self->irq_off;

    self->irq_off = 1;
    frame_from_context(frame, context);
    if (off != 0)
        frame->rflags &= ~(uint64_t)FRAME_RFLAGS_IF; /* as on bare metal; Linux ignores it */
    if (++self->exceptions > EXCEPTIONS_MAX)
        give_up(frame->rip);
    if (signal == SIGABRT)
        weft_panic("signal %d was raised (abort, or a failed assertion above)", signal);
    if (info->si_code <= 0)
        weft_panic("signal %d was sent by process %d", signal, (int)info->si_pid);
    self->units = (const struct amd64_units *)context->uc_mcontext.fpregs;
    upcall_exception(frame);
    context_from_frame(context, frame);
    self->exceptions--;
    self->irq_off = off;
}

void amd64_control_print(void)
{
}

const struct amd64_units *amd64_units(void)
{
    return hosted_cores[arch_core_id()].units;
}

/* ---- signals --------------------------------------------------------------------------------- */

void hosted_signal(int signal, const void *info, void *context, struct arch_frame *frame)
{
    struct hosted_core *self = &hosted_cores[arch_core_id()];

    if (!self->ready) { /* arch_trap_init looks how large the vector state is */
        hosted_vector_size(((const ucontext_t *)context)->uc_mcontext.fpregs);
        return;
    }
    switch (signal) {
    case HOSTED_SIGNAL_TIMER:
        interrupt(self, HOSTED_TIMER, context, frame);
        break;
    case HOSTED_SIGNAL_IPI:
        interrupt(self, HOSTED_IPI, context, frame);
        break;
    case HOSTED_SIGNAL_DEVICE:
        interrupt(self, HOSTED_DEVICE, context, frame);
        break;
    case SIGTRAP:
        if (RUNTIME_IS_EVERYWHERE && self->steps_left != 0)
            step(self, context, frame);
        else
            exception(self, signal, info, context, frame);
        break;
    case SIGQUIT:
        dump(self, context, frame);
        break;
    default:
        exception(self, signal, info, context, frame);
    }
}

void hosted_interrupt_send(unsigned core, int signal)
{
    hosted_syscall(SYS_tgkill, hosted_syscall(SYS_getpid, 0, 0, 0, 0), hosted_cores[core].tid,
                   signal, 0);
}

static const int interrupts[] = {HOSTED_SIGNAL_TIMER, HOSTED_SIGNAL_IPI, HOSTED_SIGNAL_DEVICE,
                                 SIGQUIT};
static const int exceptions[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};

static uint64_t interrupts_mask(void)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < sizeof interrupts / sizeof interrupts[0]; i++)
        mask |= 1ull << (interrupts[i] - 1);
    return mask;
}

/* The kernel's own structure: libc's sigaction would put a return trampoline of its own in, which
 * the unwinder does not know, and the sanitizers delay what they see installed there. */
static void handler_set(int signal, uint32_t flags)
{
    const struct {
        const char *handler;
        uint64_t flags;
        const char *restorer;
        uint64_t mask;
    } action = {hosted_signal_entry, SA_SIGINFO | SA_ONSTACK | SA_RESTORER | flags,
                hosted_signal_return, interrupts_mask()};
    long error = hosted_syscall(SYS_rt_sigaction, signal, (long)&action, 0, sizeof action.mask);

    if (error < 0)
        weft_panic("signal %d cannot be handled (error %ld)", signal, -error);
}

static void handlers_set(void)
{
    for (size_t i = 0; i < sizeof interrupts / sizeof interrupts[0]; i++)
        handler_set(interrupts[i], SA_RESTART);
    /* One inside the report of another must still get here. */
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        handler_set(exceptions[i], SA_NODEFER);
}

void arch_trap_init(void)
{
    struct core *core = core_self();
    struct hosted_core *self = &hosted_cores[core->id];
    stack_t stack = {.ss_sp = (void *)core->system_stack_lo,
                     .ss_size = core->system_stack_hi - core->system_stack_lo};
    uint64_t mask = interrupts_mask();
    long error = hosted_syscall(SYS_sigaltstack, (long)&stack, 0, 0, 0);

    arch_restart_init(__restart_start, __restart_end);
    if (error < 0)
        weft_panic("a system stack of %u bytes is too small for this CPU's signal frames: "
                   "raise WEFT_CONFIG_SYSTEM_STACK_BYTES (error %ld)",
                   (unsigned)WEFT_CONFIG_SYSTEM_STACK_BYTES, -error);
    core->trap_sp = (void *)(core->system_stack_hi - FRAME_BYTES);
    handlers_set();
    if (core->id == 0)
        hosted_modules_init();
    hosted_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, sizeof mask);
    hosted_interrupt_send(core->id, HOSTED_SIGNAL_TIMER); /* comes before the call returns */
    self->ready = true;
}

/* ---- start ----------------------------------------------------------------------------------- */

int hosted_main(int argc, char **argv, char **environment);
void hosted_init(int argc, char **argv, char **environment);

void hosted_core_claim(unsigned id)
{
    struct hosted_core *self = &hosted_cores[id];

    self->id = id;
    self->core = &cores[id];
    self->tid = (int32_t)hosted_syscall(SYS_gettid, 0, 0, 0, 0);
    if (WEFT_CONFIG_CORES > 1 && hosted_syscall(SYS_arch_prctl, ARCH_SET_GS, (long)self, 0, 0) != 0)
        hosted_syscall(SYS_exit_group, STATUS_NO_GS, 0, 0, 0);
}

int hosted_main(int argc, char **argv, char **environment)
{
    hosted_core_claim(0);
    upcall_boot((uintptr_t)argc, (uintptr_t)argv, (uintptr_t)environment, 0);
}

/* Constructors run in thread 1, as on every board (kernel/glibc.c). */
void hosted_init(int argc, char **argv, char **environment)
{
#if defined(HOSTED_SANITIZE_thread)
    __tsan_init(); /* it would be a constructor */
#endif
    (void)argc;
    (void)argv;
    (void)environment;
}
