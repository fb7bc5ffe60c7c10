/* SPDX-License-Identifier: MIT */
/*
 * exit, and what runs then. newlib's own table has 32 places and no way to grow; this one takes the
 * first 32 from static memory and the rest from the heap, so that the first 32 never fail (C11
 * 7.22.4.2). Handlers of atexit, on_exit and __cxa_atexit (C++ destructors of static objects) are
 * one list, run from its end; a handler may register more. Destructor functions (.fini_array) run
 * after the last of them, then stdio is flushed and closed.
 *
 * exit itself stands here as well, so that the linker takes all of it from one place.
 */
#include <reent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <unistd.h>

/* newlib's internal interface (newlib/libc/stdlib/atexit.h). */
enum {
    EXIT_ATEXIT,  /* void handler(void) */
    EXIT_ON_EXIT, /* void handler(int status, void *argument) */
    EXIT_CXA,     /* void handler(void *argument) */
};
int __register_exitproc(int kind, void (*function)(void), void *argument, void *object);
void __call_exitprocs(int status, void *object);
void __libc_fini_array(void);
extern struct __lock __lock___atexit_recursive_mutex; /* sched/newlib.c */

struct exit_handler {
    int kind;
    void (*function)(void); /* NULL: has run */
    void *argument;
    void *object; /* the part of the program that it belongs to: here always the whole */
};

#define BLOCK_HANDLERS 32

struct exit_block {
    struct exit_block *older;
    unsigned count;
    struct exit_handler handlers[BLOCK_HANDLERS];
};

static struct exit_block *newest;

/* A block with room; NULL: no memory. */
static struct exit_block *block_with_room_locked(void)
{
    static struct exit_block first;
    struct exit_block *block = newest;

    if (block != NULL && block->count < BLOCK_HANDLERS)
        return block;
    block = newest == NULL ? &first : malloc(sizeof *block);
    if (block == NULL)
        return NULL;
    block->older = newest;
    block->count = 0;
    newest = block;
    return block;
}

int __register_exitproc(int kind, void (*function)(void), void *argument, void *object)
{
    struct exit_block *block;

    __retarget_lock_acquire_recursive(&__lock___atexit_recursive_mutex);
    block = block_with_room_locked();
    if (block != NULL)
        block->handlers[block->count++] = (struct exit_handler){kind, function, argument, object};
    __retarget_lock_release_recursive(&__lock___atexit_recursive_mutex);
    return block != NULL ? 0 : -1;
}

/* The latest handler of `object` (NULL: of all) that has not run, taken out. */
static bool handler_take(struct exit_handler *taken, const void *object)
{
    bool found = false;

    __retarget_lock_acquire_recursive(&__lock___atexit_recursive_mutex);
    for (struct exit_block *block = newest; block != NULL && !found; block = block->older) {
        for (unsigned i = block->count; i-- > 0 && !found;) {
            struct exit_handler *handler = &block->handlers[i];

            if (handler->function == NULL || (object != NULL && handler->object != object))
                continue;
            *taken = *handler;
            handler->function = NULL;
            found = true;
        }
    }
    /* What ran at the end of the list makes room, for handlers that register more. */
    while (newest != NULL && newest->count > 0 &&
           newest->handlers[newest->count - 1].function == NULL)
        newest->count--;
    __retarget_lock_release_recursive(&__lock___atexit_recursive_mutex);
    return found;
}

void __call_exitprocs(int status, void *object)
{
    struct exit_handler handler = {0};

    while (newest != NULL && handler_take(&handler, object)) {
        if (handler.kind == EXIT_ATEXIT)
            handler.function();
        else if (handler.kind == EXIT_ON_EXIT)
            ((void (*)(int, void *))handler.function)(status, handler.argument);
        else
            ((void (*)(void *))handler.function)(handler.argument);
    }
}

void exit(int status)
{
    __call_exitprocs(status, NULL);
    __libc_fini_array();
    if (_GLOBAL_REENT->__cleanup != NULL)
        _GLOBAL_REENT->__cleanup(_GLOBAL_REENT);
    _exit(status);
}
