/* SPDX-License-Identifier: MIT */
/*
 * Labels of threads, as numbers. A thread carries one number; it stands for a label (key and value)
 * and, through `parent`, for those it has besides. A label once made stays, so numbers can be
 * handed on and recorded without a lock, and a log that is read out of memory still finds their
 * texts.
 */
#ifndef PROF_LABELS_H
#define PROF_LABELS_H

#include <stdint.h>
#include <weft/config.h>

#include "prof/log_format.h"

/* labels[n - 1] is label n; the first with .label.label 0 ends the table. Entries are filled once,
 * their number last. */
extern struct log_label_entry labels[WEFT_CONFIG_PROFILE_LABELS];

/* The label n, or NULL when there is none. Context: any. */
const struct log_label_entry *labels_find(uint32_t number);

#endif
