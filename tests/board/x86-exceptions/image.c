/* SPDX-License-Identifier: MIT */
/* A thread raises the CPU exception that the first argument names. */
#include <stdio.h>
#include <string.h>
#include <weft/thread.h>

#if defined(__x86_64__)
static unsigned char data[16] = {0xc3}; /* ret */
static const int constant[4] = {1, 2, 3, 4};

static void divide(void)
{
    volatile int zero = 0, result;

    result = 5 / zero;
    (void)result;
}

static void invalid(void)
{
    __asm__ volatile("ud2");
}

static void null(void)
{
    int *volatile nowhere = NULL;

    *(volatile int *)nowhere = 1;
}

static void text(void)
{
    *(volatile char *)(void *)divide = 0;
}

static void rodata(void)
{
    *(volatile int *)(void *)constant = 2;
}

static void execute(void)
{
    ((void (*)(void))(void *)data)();
}

static void general(void)
{
    __asm__ volatile("movl $0x1b, %%eax\n\tmovl %%eax, %%ds" ::: "eax");
}

static void noncanonical(void)
{
    *(volatile char *)0x8000000000000000ull = 1;
}

/* The frame must not go where the stack pointer points. */
static void stack(void)
{
    __asm__ volatile("movl $0x60000000, %%eax\n\tmovq %%rax, %%rsp\n\tpushq %%rax" ::: "rax");
}

static void gate(void)
{
    __asm__ volatile("int $0x55");
}

static void x87(void)
{
    unsigned short unmasked = 0x340;

    __asm__ volatile("fldcw %0\n\tfld1\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(unmasked));
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void simd(void)
{
    unsigned unmasked = 0x1d80; /* MXCSR: division by zero is enabled */

    __asm__ volatile(
        "ldmxcsr %0\n\txorps %%xmm0, %%xmm0\n\txorps %%xmm1, %%xmm1\n\tmovl $1, %%eax\n\t"
        "cvtsi2ss %%eax, %%xmm1\n\tdivss %%xmm0, %%xmm1" ::"m"(unmasked)
        : "eax");
}

/* An interrupt table that ends behind the double fault's gate: the page fault's and the protection
 * fault's cannot be reached. */
static void double_fault(void)
{
    struct {
        unsigned short limit;
        unsigned long base;
    } __attribute__((packed)) table;

    __asm__ volatile("cli\n\tsidt %0" : "=m"(table));
    table.limit = 9 * 16 - 1;
    __asm__ volatile("lidt %0\n\tmovl $0x60000000, %%eax\n\tmovl (%%rax), %%eax" ::"m"(table)
                     : "eax", "memory");
}

/* Until the host breaks the machine. */
static void machine_check(void)
{
    for (;;) {
        printf("waiting %70s\n", ""); /* long: what the host tool writes to files is buffered */
        for (volatile unsigned i = 0; i < 1000000; i++)
            ;
    }
}

static const struct {
    const char *name;
    void (*raise)(void);
} ways[] = {{"divide", divide},
            {"invalid", invalid},
            {"null", null},
            {"text", text},
            {"rodata", rodata},
            {"execute", execute},
            {"general", general},
            {"noncanonical", noncanonical},
            {"stack", stack},
            {"gate", gate},
            {"x87", x87},
            {"breakpoint", breakpoint},
            {"simd", simd},
            {"double", double_fault},
            {"machine-check", machine_check}};

static void *victim(void *argument)
{
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argument, ways[i].name) == 0)
            ways[i].raise();
    return NULL;
}
#else
static void *victim(void *argument)
{
    return argument;
}
#endif

int main(int argc, char **argv)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *thread;

    attr.name = "victim";
    if (argc < 2 || weft_thread_spawn(&thread, &attr, victim, argv[1]) != 0)
        return 2;
    return weft_thread_join(thread, NULL) == 0 ? 0 : 3;
}
