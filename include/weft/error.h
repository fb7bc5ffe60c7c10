/* SPDX-License-Identifier: MIT */
/*
 * Error policy, for every weft function.
 *
 *   - An `int` result is 0 for success or one of the negative codes below. A positive result is
 * only ever a count, and the function's comment says so.
 *   - A pointer result is NULL only when there is no memory (or no room in a static table).
 *   - A result that can fail carries WEFT_MUST_CHECK.
 *   - Misuse that a program can't sensibly handle (unlocking another thread's mutex, blocking in an
 *     interrupt handler) panics with a sentence that says what to do.
 */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__cplusplus) && !defined(__linux__) && (defined(__EXCEPTIONS) || defined(__GXX_RTTI))
#error "weft runs C++ without exceptions and RTTI: compile with -fno-exceptions -fno-rtti"
#endif

#define WEFT_EINVAL (-1)    /* an argument is outside its documented range */
#define WEFT_ENOMEM (-2)    /* the heap, or a static table, has no room */
#define WEFT_ETIMEDOUT (-3) /* the deadline passed first */
#define WEFT_EAGAIN (-4)    /* a try-form would have had to wait */
#define WEFT_EBUSY (-5)     /* the object is in use */
#define WEFT_ECLOSED (-6)   /* the object was closed or destroyed, also while waiting for it */
#define WEFT_EDEADLK (-7)   /* waiting here would never end */
#define WEFT_EPERM (-8)     /* not allowed for this caller, or in this context */
#define WEFT_ENOTSUP (-9)   /* not available on this board or in this configuration */
#define WEFT_ESTATE (-10)   /* not possible in the object's present state */

#define WEFT_MUST_CHECK __attribute__((warn_unused_result))
#define WEFT_NORETURN __attribute__((noreturn)) /* C's _Noreturn, also for C++ */

/* A constant, English, one-line description of `error`; "unknown error" for a code that is none.
 * Context: any. Never NULL. */
const char *weft_error_name(int error);

#ifdef __cplusplus
}
#endif

#endif
