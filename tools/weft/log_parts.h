/* SPDX-License-Identifier: MIT */
/* What the parts of the log's reader know of each other. */
#ifndef TOOLS_WEFT_LOG_PARTS_H
#define TOOLS_WEFT_LOG_PARTS_H

#include "tools/weft/log_reader.h"
#include "tools/weft/log_record.h"

/* log_reader.c: a clause of what is wrong. */
void __attribute__((format(printf, 2, 3)))
log_reader_problem(struct log_reader *reader, const char *format, ...);
void log_reader_malformed(struct log_reader *reader, const struct log_item *record,
                          const char *what);
void log_reader_count_lost(struct log_reader *reader, struct log_core *core, uint8_t number,
                           uint32_t reason, uint32_t count);

/* log_names.c */
void log_names_thread(struct log_reader *reader, const struct log_item *record);
void log_names_label(struct log_reader *reader, const struct log_item *record);
void log_names_wait(struct log_reader *reader, const struct log_item *record);

/* log_totals.c. What is counted since a profile's begin begins anew; a core's end record. */
void log_totals_clear(struct log_core *core);
void log_totals_end(struct log_reader *reader, struct log_core *core,
                    const struct log_item *record);

#endif
