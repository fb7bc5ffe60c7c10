/* SPDX-License-Identifier: MIT */
/*
 * Thread-local slots: a value per thread under a number that is made at run time, with a function
 * that is called for it when the thread ends. For variables that are known when the program is
 * written, and need no destructor, a field in the thread's argument is simpler.
 *
 * A thread's values take memory (2 words for each of WEFT_CONFIG_SLOTS) from the heap, from the
 * first time it sets one to its end.
 */
#ifndef WEFT_SLOT_H
#define WEFT_SLOT_H

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a slot, in which every thread's value is NULL, and stores its number in *slot. When a
 * thread ends by weft_thread_exit (or its entry function's return) with a value that is not NULL,
 * `destructor` (may be NULL) is called with it, on that thread, the slot's value being NULL again;
 * values that destructors set are destroyed too, four times round at most. Does not block. Errors:
 * WEFT_EINVAL, WEFT_ENOMEM (all WEFT_CONFIG_SLOTS are in use). Context: thread. */
WEFT_MUST_CHECK int weft_slot_create(unsigned *slot, void (*destructor)(void *value));

/* The slot may be made again, for something else. What threads have in it is forgotten, without
 * destructors. Errors: WEFT_EINVAL (no such slot). Context: thread. */
WEFT_MUST_CHECK int weft_slot_delete(unsigned slot);

/* The calling thread's value. Errors: WEFT_EINVAL (no such slot), WEFT_ENOMEM (its first value).
 * Context: thread. */
WEFT_MUST_CHECK int weft_slot_set(unsigned slot, void *value);

/* The calling thread's value; NULL: none, or no such slot. Cost: some ten instructions. Context:
 * thread. */
void *weft_slot_get(unsigned slot);

#ifdef __cplusplus
}
#endif

#endif
