/* SPDX-License-Identifier: MIT */
/*
 * Thread-local slots. A value belongs to the slot as it was when the value was set: both have the
 * slot's generation, so deleting a slot makes all values in it invisible without looking at any
 * thread. A thread's values lie in a block from the heap, which an exit hook inside it takes down.
 */
#include <stdlib.h>
#include <weft/console.h>
#include <weft/slot.h>

#include "kernel/assert.h"
#include "sched/sched.h"

/* As often as POSIX asks for (PTHREAD_DESTRUCTOR_ITERATIONS). */
#define DESTRUCTOR_ROUNDS 4

/* Under the scheduler's lock. */
static struct slot {
    uint32_t generation; /* odd: in use */
    void (*destructor)(void *value);
} slots[WEFT_CONFIG_SLOTS];

struct thread_slots {
    struct weft_exit_hook hook;
    struct {
        void *value;
        uint32_t generation;
    } at[WEFT_CONFIG_SLOTS];
};

static uint32_t generation_of(unsigned slot)
{
    return slot < WEFT_CONFIG_SLOTS ? __atomic_load_n(&slots[slot].generation, __ATOMIC_ACQUIRE)
                                    : 0;
}

static void check_context(const char *function)
{
    if (core_in_interrupt())
        weft_panic("%s was called in an interrupt handler, which has no slots: values belong to "
                   "threads",
                   function);
}

int weft_slot_create(unsigned *slot, void (*destructor)(void *value))
{
    arch_irq_state state;
    int result = WEFT_ENOMEM;

    check_context("weft_slot_create");
    if (slot == NULL)
        return WEFT_EINVAL;
    state = sched_enter();
    for (unsigned i = 0; i < WEFT_CONFIG_SLOTS && result != 0; i++) {
        if ((slots[i].generation & 1) != 0)
            continue;
        slots[i].destructor = destructor;
        __atomic_store_n(&slots[i].generation, slots[i].generation + 1, __ATOMIC_RELEASE);
        *slot = i;
        result = 0;
    }
    sched_exit(state);
    return result;
}

int weft_slot_delete(unsigned slot)
{
    arch_irq_state state;
    int result = WEFT_EINVAL;

    check_context("weft_slot_delete");
    state = sched_enter();
    if ((generation_of(slot) & 1) != 0) {
        __atomic_store_n(&slots[slot].generation, slots[slot].generation + 1, __ATOMIC_RELEASE);
        result = 0;
    }
    sched_exit(state);
    return result;
}

/* Takes the value out and says what to do with it; NULL: nothing. */
static void *take_value(struct thread_slots *values, unsigned slot,
                        void (**destructor)(void *value))
{
    arch_irq_state state = sched_enter();
    bool current = values->at[slot].generation == slots[slot].generation;
    void *value = current ? values->at[slot].value : NULL;

    *destructor = slots[slot].destructor;
    values->at[slot].value = NULL;
    sched_exit(state);
    return *destructor != NULL ? value : NULL;
}

static bool destroy_values(struct thread_slots *values)
{
    bool any = false;

    for (unsigned slot = 0; slot < WEFT_CONFIG_SLOTS; slot++) {
        void (*destructor)(void *value);
        void *value = take_value(values, slot, &destructor);

        if (value == NULL)
            continue;
        destructor(value);
        any = true;
    }
    return any;
}

/* The exit hook: runs on the thread that ends. */
static void slots_end(void *argument)
{
    struct thread_slots *values = argument;

    for (unsigned round = 0; round < DESTRUCTOR_ROUNDS && destroy_values(values); round++)
        ;
    thread_current()->slots = NULL;
    free(values);
}

static struct thread_slots *slots_begin(struct weft_thread *current)
{
    struct thread_slots *values = calloc(1, sizeof *values);

    if (values == NULL)
        return NULL;
    current->slots = values;
    weft_thread_hook_add(&values->hook, slots_end, values);
    return values;
}

int weft_slot_set(unsigned slot, void *value)
{
    struct weft_thread *current;
    uint32_t generation = generation_of(slot);
    struct thread_slots *values;

    check_context("weft_slot_set");
    if ((generation & 1) == 0)
        return WEFT_EINVAL;
    current = thread_current();
    values = current->slots;
    if (values == NULL) {
        if (value == NULL)
            return 0;
        values = slots_begin(current);
        if (values == NULL)
            return WEFT_ENOMEM;
    }
    values->at[slot].value = value;
    values->at[slot].generation = generation;
    return 0;
}

void *weft_slot_get(unsigned slot)
{
    const struct thread_slots *values;

    check_context("weft_slot_get");
    values = thread_current()->slots;
    if (values == NULL || slot >= WEFT_CONFIG_SLOTS ||
        values->at[slot].generation != generation_of(slot))
        return NULL;
    return values->at[slot].value;
}
