/* SPDX-License-Identifier: MIT */
/* What Linux and its C library have: ucontext, pthreads, a signal's handler that does nothing, one
 * that makes a null pointer point somewhere. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "row.h"

static ucontext_t main_context, other_context;

static void switch_back(void)
{
    for (;;)
        swapcontext(&other_context, &main_context);
}

static void switch_bare(unsigned rounds)
{
    static char stack[65536];

    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = sizeof stack;
    makecontext(&other_context, switch_back, 0);
    for (unsigned i = 0; i < rounds; i++)
        swapcontext(&main_context, &other_context);
}

static void *nothing(void *argument)
{
    return argument;
}

static void spawn_join(unsigned rounds)
{
    pthread_t thread;

    for (unsigned i = 0; i < rounds; i++)
        if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
            exit(1);
}

static void mutex_pair(unsigned rounds)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    for (unsigned i = 0; i < rounds; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static void atomic_add(unsigned rounds)
{
    static _Atomic uint64_t word;

    for (unsigned i = 0; i < rounds; i++)
        atomic_fetch_add(&word, i);
}

static void ignore(int signal)
{
    (void)signal;
}

static void interrupt(unsigned rounds)
{
    pid_t process = getpid(), self = (pid_t)syscall(SYS_gettid);

    for (unsigned i = 0; i < rounds; i++)
        syscall(SYS_tgkill, process, self, SIGUSR1);
}

static uint32_t somewhere;

static void point_somewhere(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = (greg_t)(uintptr_t)&somewhere;
}

static void trap(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        __asm__ volatile("xor %%eax, %%eax\n   mov (%%rax), %%eax" ::: "rax", "memory");
}

int main(void)
{
    const struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    const struct sigaction repair = {.sa_sigaction = point_somewhere, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGSEGV, &repair, NULL);
    row("switch_bare", switch_bare, 2);
    row("mutex_pair", mutex_pair, 1);
    row("atomic_add", atomic_add, 1);
    row("interrupt", interrupt, 1);
    row("trap", trap, 1);
    row("spawn_join", spawn_join, 1);
    return 0;
}
