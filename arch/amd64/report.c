/* SPDX-License-Identifier: MIT */
/* What exceptions are called, and the register file: Intel SDM volume 3, table 6-1. The hosted
 * port's kernel reports the same numbers and error codes. */
#include "arch/amd64/amd64.h"
#include "arch/trap.h"
#include "kernel/print.h"

#define PAGE_FAULT_PRESENT 1u
#define PAGE_FAULT_WRITE 2u
#define PAGE_FAULT_FETCH 16u

static const char *const cause_names[VECTOR_EXCEPTIONS] = {
    [0] = "division by zero, or its result too large",
    [1] = "debug exception",
    [EXCEPTION_NMI] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid instruction",
    [EXCEPTION_NO_UNIT] = "vector or x87 instruction in a handler or in weft's own code",
    [EXCEPTION_DOUBLE_FAULT] = "double fault (an exception could not be delivered)",
    [10] = "invalid task state segment",
    [11] = "segment not present",
    [12] = "stack segment fault (an address that is not canonical)",
    [13] = "general protection fault",
    [EXCEPTION_X87] = "x87 floating-point exception",
    [17] = "alignment check",
    [EXCEPTION_MACHINE_CHECK] = "machine check (a hardware error)",
    [EXCEPTION_VECTOR] = "vector floating-point exception",
    [20] = "virtualisation exception",
    [21] = "control protection exception",
    [28] = "hypervisor injection exception",
    [29] = "VMM communication exception",
    [30] = "security exception",
};

static const char *page_fault_cause(uint64_t error)
{
    if (error & PAGE_FAULT_FETCH)
        return error & PAGE_FAULT_PRESENT ? "execution of data" : "jump to an unmapped address";
    if (error & PAGE_FAULT_WRITE)
        return error & PAGE_FAULT_PRESENT ? "store to a read-only page"
                                          : "store to an unmapped address";
    return error & PAGE_FAULT_PRESENT ? "load from a page with reserved bits set"
                                      : "load from an unmapped address";
}

const char *arch_frame_cause(const struct arch_frame *frame)
{
    const char *name = frame->vector < VECTOR_EXCEPTIONS ? cause_names[frame->vector] : "interrupt";

    if (frame->vector == EXCEPTION_PAGE_FAULT)
        return page_fault_cause(frame->error);
    return name != NULL ? name : "unknown exception";
}

bool arch_frame_bad_address(const struct arch_frame *frame, uintptr_t *address)
{
    *address = frame->cr2;
    return frame->vector == EXCEPTION_PAGE_FAULT;
}

static void print_registers(const char (*names)[4], const uint64_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        print_console("%.3s %016llx%s", names[i], (unsigned long long)values[i],
                      i % 4 == 3 || i + 1 == count ? "\n" : "  ");
}

static void print_xmm(const struct amd64_units *units)
{
    for (unsigned i = 0; i < 16; i++)
        print_console("xmm%u%s %016llx%016llx%s", i, i < 10 ? " " : "",
                      (unsigned long long)units->xmm[i][1], (unsigned long long)units->xmm[i][0],
                      i % 2 != 0 ? "\n" : "  ");
}

static void print_x87(const struct amd64_units *units)
{
    for (unsigned i = 0; i < 8; i++)
        print_console("st%u %04x%016llx%s", i, (unsigned)units->st[i].exponent,
                      (unsigned long long)units->st[i].significand, i % 4 == 3 ? "\n" : "  ");
}

/* What the exception was computed with. */
static void print_units(const struct arch_frame *frame)
{
    const struct amd64_units *units = amd64_units();

    if (units == NULL)
        return;
    print_console("mxcsr %08x  x87 control %04x  status %04x\n", (unsigned)units->mxcsr,
                  (unsigned)units->control, (unsigned)units->status);
    if (frame->vector == EXCEPTION_VECTOR)
        print_xmm(units);
    if (frame->vector == EXCEPTION_X87)
        print_x87(units);
}

void arch_frame_print(const struct arch_frame *frame)
{
    static const char names[16][4] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
                                      "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char place_names[3][4] = {"rip", "rfl", "cr2"};
    const uint64_t values[16] = {frame->rax, frame->rbx, frame->rcx, frame->rdx,
                                 frame->rsi, frame->rdi, frame->rbp, frame->rsp,
                                 frame->r8,  frame->r9,  frame->r10, frame->r11,
                                 frame->r12, frame->r13, frame->r14, frame->r15};
    const uint64_t place[3] = {frame->rip, frame->rflags, frame->cr2};

    print_registers(names, values, 16);
    print_registers(place_names, place, 3);
    print_console("vector %u  error code 0x%x  cs %x  ss %x\n", (unsigned)frame->vector,
                  (unsigned)frame->error, (unsigned)frame->cs, (unsigned)frame->ss);
    amd64_control_print();
    print_units(frame);
}
