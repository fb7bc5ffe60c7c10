/* SPDX-License-Identifier: MIT */
/* What a host test may ask of the pthread shim beside weft's own interface. Call these from the
 * test's thread while no other thread spawns or joins. */
#ifndef SHIM_WEFT_PTHREAD_H
#define SHIM_WEFT_PTHREAD_H

/* Lets `spawns` more calls of weft_thread_spawn succeed and fails the later ones; -1: none fail. */
void shim_fail_spawn_after(int spawns);

/* Threads that were spawned and not yet joined. */
int shim_threads_alive(void);

#endif
