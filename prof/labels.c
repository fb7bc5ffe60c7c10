/* SPDX-License-Identifier: MIT */
#include "prof/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <weft/profile.h>

#include "kernel/assert.h"
#include "kernel/spinlock.h"
#include "sched/thread.h"

#define LABELS_DEPTH 16 /* of one thread */

struct log_label_entry labels[WEFT_CONFIG_PROFILE_LABELS];

static struct spinlock labels_lock = SPINLOCK_INITIALIZER(RANK_LOG, "profile labels");

/* A text of known length. */
struct text {
    const char *bytes;
    uint32_t count;
};

/* False: it is too long. */
static bool text_take(struct text *text, const char *bytes)
{
    text->bytes = bytes;
    text->count = 0;
    while (bytes[text->count] != 0)
        if (++text->count > LOG_LABEL_BYTES)
            return false;
    return true;
}

static bool text_is(const struct text *text, const char *bytes, uint32_t count)
{
    if (text->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (text->bytes[i] != bytes[i])
            return false;
    return true;
}

static void text_copy(char *to, const struct text *text)
{
    for (uint32_t i = 0; i < text->count; i++)
        to[i] = text->bytes[i];
}

const struct log_label_entry *labels_find(uint32_t number)
{
    const struct log_label_entry *entry = &labels[number - 1];

    if (number == 0 || number > WEFT_CONFIG_PROFILE_LABELS ||
        __atomic_load_n(&entry->label.label, __ATOMIC_ACQUIRE) == 0)
        return NULL;
    return entry;
}

/* The number of key = value on top of `parent`; made when there is none yet. 0: no room. */
static uint32_t intern_locked(const struct text *key, const struct text *value, uint32_t parent)
{
    for (uint32_t i = 0; i < WEFT_CONFIG_PROFILE_LABELS; i++) {
        struct log_label_entry *entry = &labels[i];

        if (entry->label.label == 0) {
            entry->label.parent = parent;
            entry->label.key_bytes = key->count;
            entry->label.value_bytes = value->count;
            text_copy(entry->key, key);
            text_copy(entry->value, value);
            __atomic_store_n(&entry->label.label, i + 1, __ATOMIC_RELEASE);
            return i + 1;
        }
        if (entry->label.parent == parent && text_is(key, entry->key, entry->label.key_bytes) &&
            text_is(value, entry->value, entry->label.value_bytes))
            return i + 1;
    }
    return 0;
}

/* The labels of `number` without that for `key`; those that stood on top of it are made again, on
 * what is below. *fits: there was room for that. */
static uint32_t without_locked(uint32_t number, const struct text *key, bool *fits)
{
    uint32_t above[LABELS_DEPTH], count = 0, at = number;

    while (at != 0 && !text_is(key, labels[at - 1].key, labels[at - 1].label.key_bytes)) {
        *fits = *fits && count < LABELS_DEPTH;
        if (!*fits)
            return number;
        above[count++] = at;
        at = labels[at - 1].label.parent;
    }
    if (at == 0)
        return number; /* it has none for this key */
    at = labels[at - 1].label.parent;
    while (count-- > 0 && *fits) {
        const struct log_label_entry *entry = &labels[above[count] - 1];
        struct text its_key = {entry->key, entry->label.key_bytes};
        struct text its_value = {entry->value, entry->label.value_bytes};

        at = intern_locked(&its_key, &its_value, at);
        *fits = at != 0;
    }
    return at;
}

int weft_profile_label_set(const char *key, const char *value)
{
    struct text key_text, value_text;
    struct weft_thread *current;
    arch_irq_state state;
    uint32_t number;
    bool fits = true;

    ASSERT(!core_in_interrupt());
    if (key == NULL || key[0] == 0 || !text_take(&key_text, key) ||
        (value != NULL && !text_take(&value_text, value)))
        return WEFT_EINVAL;
    current = thread_current();
    state = spinlock_lock(&labels_lock);
    number = without_locked(current->labels, &key_text, &fits);
    if (fits && value != NULL) {
        number = intern_locked(&key_text, &value_text, number);
        fits = number != 0;
    }
    spinlock_unlock(&labels_lock, state);
    if (!fits)
        return WEFT_ENOMEM;
    current->labels = (uint16_t)number; /* one store: the sampler sees the old ones or the new */
    return 0;
}
