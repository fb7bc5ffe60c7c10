/* SPDX-License-Identifier: MIT */
/*
 * What the C++ compiler calls (Itanium C++ ABI, chapters 3 and 5), for programs without exceptions:
 * new and delete on the heap, the guards of static variables in functions, and calls that must not
 * happen. There is no C++ standard library. Static objects are constructed and destroyed like C's
 * constructor functions and atexit handlers.
 */
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <weft/condition.h>
#include <weft/console.h>
#include <weft/mutex.h>
#include <weft/thread.h>

/* size_t in a mangled name. */
#if __SIZEOF_SIZE_T__ == 8
#define SIZE "m"
#else
#define SIZE "j"
#endif
#define ALIGN "St11align_val_t"
#define NOTHROW "RKSt9nothrow_t"
#define NAMED(name) __asm__(name)

/* ---- new and delete ---- */

/* new(1) of nothing is an object with an address of its own, and never fails: there is nothing to
 * throw, so a program that wants to go on without memory uses new(std::nothrow). */
static void *new_or_panic(void *block, size_t size)
{
    if (block == NULL)
        weft_panic("new: there is no memory for %lu bytes: use new (std::nothrow) where the "
                   "program can do without",
                   (unsigned long)size);
    return block;
}

static void *new_aligned_or_null(size_t size, size_t align)
{
    return memalign(align, size != 0 ? size : 1);
}

static void *new_or_null(size_t size)
{
    return malloc(size != 0 ? size : 1);
}

struct nothrow;
const char cxx_nothrow NAMED("_ZSt7nothrow") = 0;

#define NEW_FORMS(form, letter)                                                                    \
    void *form(size_t size) NAMED("_Zn" letter SIZE);                                              \
    void *form##_nothrow(size_t size, const struct nothrow *tag) NAMED("_Zn" letter SIZE NOTHROW); \
    void *form##_aligned(size_t size, size_t align) NAMED("_Zn" letter SIZE ALIGN);                \
    void *form##_aligned_nothrow(size_t size, size_t align, const struct nothrow *tag)             \
        NAMED("_Zn" letter SIZE ALIGN NOTHROW);                                                    \
    void *form(size_t size)                                                                        \
    {                                                                                              \
        return new_or_panic(new_or_null(size), size);                                              \
    }                                                                                              \
    void *form##_nothrow(size_t size, const struct nothrow *tag)                                   \
    {                                                                                              \
        (void)tag;                                                                                 \
        return new_or_null(size);                                                                  \
    }                                                                                              \
    void *form##_aligned(size_t size, size_t align)                                                \
    {                                                                                              \
        return new_or_panic(new_aligned_or_null(size, align), size);                               \
    }                                                                                              \
    void *form##_aligned_nothrow(size_t size, size_t align, const struct nothrow *tag)             \
    {                                                                                              \
        (void)tag;                                                                                 \
        return new_aligned_or_null(size, align);                                                   \
    }

NEW_FORMS(cxx_new, "w")
NEW_FORMS(cxx_new_array, "a")

/* All forms of delete do the same, whatever else they are told. */
#define DELETE(function, name)                                                                     \
    void function(void *block) NAMED(name);                                                        \
    void function(void *block)                                                                     \
    {                                                                                              \
        free(block);                                                                               \
    }
#define DELETE_FORMS(form, letter)                                                                 \
    DELETE(form, "_Zd" letter "Pv")                                                                \
    DELETE(form##_sized, "_Zd" letter "Pv" SIZE)                                                   \
    DELETE(form##_nothrow, "_Zd" letter "Pv" NOTHROW)                                              \
    DELETE(form##_aligned, "_Zd" letter "Pv" ALIGN)                                                \
    DELETE(form##_sized_aligned, "_Zd" letter "Pv" SIZE ALIGN)                                     \
    DELETE(form##_aligned_nothrow, "_Zd" letter "Pv" ALIGN NOTHROW)

DELETE_FORMS(cxx_delete, "l")
DELETE_FORMS(cxx_delete_array, "a")

/* ---- static variables in functions ---- */

/* The first byte is the compiler's: not 0 when the variable is constructed. */
struct guard {
    uint8_t done;
    uint8_t in_progress;
    uint32_t thread; /* that constructs it */
} __attribute__((packed, aligned(4)));

static struct weft_mutex guard_mutex = WEFT_MUTEX_INITIALIZER(guard_mutex);
static struct weft_condition guard_done = WEFT_CONDITION_INITIALIZER(guard_done);

int __cxa_guard_acquire(struct guard *guard);
void __cxa_guard_release(struct guard *guard);
void __cxa_guard_abort(struct guard *guard);

/* 1: the caller is to construct the variable, and to say so. Blocks while another thread does. */
int __cxa_guard_acquire(struct guard *guard)
{
    uint32_t self = weft_thread_id(weft_thread_self());
    bool mine;

    if (__atomic_load_n(&guard->done, __ATOMIC_ACQUIRE) != 0)
        return 0;
    weft_mutex_lock(&guard_mutex);
    while (guard->in_progress) {
        if (guard->thread == self)
            weft_panic("the constructor of a static variable in a function calls that function");
        (void)!weft_condition_wait(&guard_done, &guard_mutex);
    }
    mine = !guard->done;
    guard->in_progress = mine;
    guard->thread = self;
    weft_mutex_unlock(&guard_mutex);
    return mine;
}

static void guard_end(struct guard *guard, bool done)
{
    weft_mutex_lock(&guard_mutex);
    guard->in_progress = false;
    __atomic_store_n(&guard->done, done, __ATOMIC_RELEASE);
    weft_mutex_unlock(&guard_mutex);
    weft_condition_broadcast(&guard_done);
}

void __cxa_guard_release(struct guard *guard)
{
    guard_end(guard, true);
}

void __cxa_guard_abort(struct guard *guard)
{
    guard_end(guard, false);
}

/* ---- thread_local objects ---- */

/* A destructor that waits for its thread's end. */
struct thread_object {
    struct weft_exit_hook hook;
    void (*destructor)(void *object);
    void *object;
};

static void thread_object_end(void *argument)
{
    struct thread_object *ended = argument;

    ended->destructor(ended->object);
    free(ended);
}

int __cxa_thread_atexit(void (*destructor)(void *object), void *object, void *program);

/* 0, always: an object whose destructor can't be noted is not one that C++ would go on with. Those
 * of main live as long as the program. */
int __cxa_thread_atexit(void (*destructor)(void *object), void *object, void *program)
{
    struct thread_object *noted = malloc(sizeof *noted);

    (void)program;
    if (noted == NULL)
        weft_panic("there is no memory to note the destructor of a thread_local object");
    noted->destructor = destructor;
    noted->object = object;
    weft_thread_hook_add(&noted->hook, thread_object_end, noted);
    return 0;
}

/* ---- what must not happen ---- */

_Noreturn void __cxa_pure_virtual(void);
_Noreturn void __cxa_deleted_virtual(void);
_Noreturn void __cxa_throw_bad_array_new_length(void);

_Noreturn void __cxa_pure_virtual(void)
{
    weft_panic("a pure virtual function was called: by a constructor or destructor of its class, "
               "or of an object that is gone");
}

_Noreturn void __cxa_deleted_virtual(void)
{
    weft_panic("a deleted virtual function was called");
}

_Noreturn void __cxa_throw_bad_array_new_length(void)
{
    weft_panic("new[]: the number of elements is negative, or too large for an address");
}
