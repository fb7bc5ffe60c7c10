/* SPDX-License-Identifier: MIT */
#include "tools/weft/profile_proto.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tools/weft/gzip.h"
#include "tools/weft/map.h"
#include "tools/weft/profile.pb-c.h"
#include "tools/weft/site_profiles.h"
#include "tools/weft/stacks.h"

#define MILLIHERTZ_NS 1000000000000u /* nanoseconds in a thousand seconds */
#define THREAD_LABELS_MAX 16
#define LABELS_MAX (THREAD_LABELS_MAX + 8)

/*
 * What the message is assembled from. The arrays grow while samples are added and are hung into
 * `profile` at the end; ids are position + 1, as 0 means "none" on the wire.
 */
struct encoder {
    const struct log_reader *reader;
    struct symbols *symbols;
    struct map strings;   /* position = index in the string table */
    struct map functions; /* keys: struct function_key */
    struct map locations; /* keys: struct location pointers; pseudo functions: interned names */
    Pprof__Function **function;
    size_t function_capacity;
    Pprof__Location **location;
    size_t location_capacity;
    Pprof__Sample **sample;
    size_t sample_count, sample_capacity;
};

struct function_key {
    const char *name, *file;
};

static int64_t encoder_string(struct encoder *encoder, const char *text)
{
    return (int64_t)map_number(&encoder->strings, text, strlen(text) + 1, NULL);
}

static uint64_t encoder_function(struct encoder *encoder, const struct frame *frame)
{
    struct function_key key = {frame->function, frame->file};
    Pprof__Function *function;
    bool is_new;
    size_t number = map_number(&encoder->functions, &key, sizeof key, &is_new);

    if (!is_new)
        return number + 1;
    function = memory_zeroed(sizeof *function);
    pprof__function__init(function);
    function->id = number + 1;
    function->name = function->system_name = encoder_string(encoder, frame->function);
    function->filename = encoder_string(encoder, frame->file);
    function->start_line = frame->start_line;
    encoder->function = array_reserve(encoder->function, &encoder->function_capacity, number + 1,
                                      sizeof encoder->function[0]);
    encoder->function[number] = function;
    return number + 1;
}

/* Adds a location of `count` lines; the caller has found that its key is new. */
static Pprof__Location *encoder_new_location(struct encoder *encoder, size_t number,
                                             const struct frame *frames, size_t count)
{
    Pprof__Location *location = memory_zeroed(sizeof *location);

    pprof__location__init(location);
    location->id = number + 1;
    location->n_line = count;
    location->line = memory_zeroed(count * sizeof location->line[0]);
    for (size_t i = 0; i < count; i++) {
        location->line[i] = memory_zeroed(sizeof *location->line[i]);
        pprof__line__init(location->line[i]);
        location->line[i]->function_id = encoder_function(encoder, &frames[i]);
        location->line[i]->line = frames[i].line;
    }
    encoder->location = array_reserve(encoder->location, &encoder->location_capacity, number + 1,
                                      sizeof encoder->location[0]);
    encoder->location[number] = location;
    return location;
}

static uint64_t encoder_mapping(const struct encoder *encoder, uint64_t pc)
{
    const struct image *image = symbols_image(encoder->symbols);

    for (size_t i = 0; i < image->segment_count; i++)
        if (pc >= image->segments[i].start && pc < image->segments[i].limit)
            return i + 1;
    return 0;
}

static uint64_t encoder_location(struct encoder *encoder, uint64_t pc)
{
    const struct location *found = symbols_find(encoder->symbols, pc);
    Pprof__Location *location;
    bool is_new;
    size_t number = map_number(&encoder->locations, &found, sizeof found, &is_new);

    if (is_new) {
        location = encoder_new_location(encoder, number, found->frames, found->count);
        location->address = found->pc;
        location->mapping_id = encoder_mapping(encoder, found->pc);
    }
    return number + 1;
}

/*
 * A pseudo function has no code. Its address is its id: never 0, which some readers drop, and never
 * inside a mapping.
 */
static uint64_t encoder_pseudo(struct encoder *encoder, const char *name)
{
    const char *interned = symbols_intern(encoder->symbols, name);
    struct frame frame = {.function = interned, .file = symbols_intern(encoder->symbols, "")};
    bool is_new;
    size_t number = map_number(&encoder->locations, &interned, sizeof interned, &is_new);

    if (is_new)
        encoder_new_location(encoder, number, &frame, 1)->address = number + 1;
    return number + 1;
}

static Pprof__Label *encoder_label(struct encoder *encoder, Pprof__Sample *sample, const char *key)
{
    Pprof__Label *label = memory_zeroed(sizeof *label);

    assert(sample->n_label < LABELS_MAX);
    pprof__label__init(label);
    label->key = encoder_string(encoder, key);
    sample->label[sample->n_label++] = label;
    return label;
}

static void encoder_text_label(struct encoder *encoder, Pprof__Sample *sample, const char *key,
                               const char *text)
{
    encoder_label(encoder, sample, key)->str = encoder_string(encoder, text);
}

/* Texts of the target: the wire wants UTF-8, so anything else becomes '?'. */
static char *clean_text(const char *text)
{
    char *clean = memory_string(text);

    for (char *at = clean; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
            *at = '?';
    return clean;
}

static void encoder_name_label(struct encoder *encoder, Pprof__Sample *sample, const char *key,
                               const char *name)
{
    char *clean_key = clean_text(key), *clean_name = clean_text(name);

    encoder_text_label(encoder, sample, clean_key, clean_name);
    free(clean_key);
    free(clean_name);
}

/* What weft_profile_label_set gave the thread; parents have smaller numbers, so this ends. */
static void encoder_thread_labels(struct encoder *encoder, Pprof__Sample *sample, uint32_t number)
{
    const struct log_reader_label *label = log_reader_label_find(encoder->reader, number);

    for (unsigned i = 0; label != NULL && i < THREAD_LABELS_MAX; i++) {
        encoder_name_label(encoder, sample, label->key, label->value);
        label = log_reader_label_find(encoder->reader, label->parent);
    }
}

/* Whether a pc lies where the target says that there is no text: such a stack is not to be trusted.
 */
static bool encoder_is_outside(const struct encoder *encoder, const struct log_stack *stack)
{
    const struct log_core *core = &encoder->reader->cores[stack->core];

    for (uint32_t i = 0; core->text_end > 0 && i < stack->depth; i++)
        if (stack->pcs[i] < core->text_start || stack->pcs[i] >= core->text_end)
            return true;
    return false;
}

static void encoder_labels(struct encoder *encoder, Pprof__Sample *sample,
                           const struct log_stack *stack)
{
    sample->label = memory_zeroed(LABELS_MAX * sizeof sample->label[0]);
    if (stack->thread != 0) {
        const char *name = log_reader_thread_name(encoder->reader, stack->thread);

        encoder_label(encoder, sample, "thread_id")->num = stack->thread;
        if (name != NULL)
            encoder_name_label(encoder, sample, "thread", name);
    }
    if (log_reader_core_count(encoder->reader) > 1)
        encoder_label(encoder, sample, "core")->num = stack->on;
    encoder_thread_labels(encoder, sample, stack->labels);
    if (stack->context == CONTEXT_BLOCKED)
        encoder_text_label(encoder, sample, "wait",
                           log_reader_wait_name(encoder->reader, stack->wait));
    encoder_text_label(encoder, sample, "context", stacks_context(stack->context));
    if (!stack->lost && stack->reason != REASON_FULL && stack->reason != REASON_LEAF)
        encoder_text_label(encoder, sample, "truncated", stacks_reason(stack->reason));
    if (encoder_is_outside(encoder, stack))
        encoder_text_label(encoder, sample, "pc", "outside text");
}

/* `count` ticks in nanoseconds, rounded: the rate need not divide a second. */
static int64_t ticks_to_ns(uint64_t count, uint64_t rate_millihertz)
{
    if (rate_millihertz == 0)
        return 0;
    return (int64_t)(((unsigned __int128)count * MILLIHERTZ_NS + rate_millihertz / 2) /
                     rate_millihertz);
}

static void encoder_sample(struct encoder *encoder, const struct log_stack *stack)
{
    const char *root = stacks_root(stack), *loss = stacks_loss(stack);
    const char *blocked = stacks_blocked(stack, encoder->reader, encoder->symbols);
    Pprof__Sample *sample = memory_zeroed(sizeof *sample);

    pprof__sample__init(sample);
    sample->location_id = memory_zeroed((stack->depth + 3) * sizeof sample->location_id[0]);
    if (loss != NULL)
        sample->location_id[sample->n_location_id++] = encoder_pseudo(encoder, loss);
    if (blocked != NULL)
        sample->location_id[sample->n_location_id++] = encoder_pseudo(encoder, blocked);
    for (size_t i = 0; i < stack->depth; i++)
        sample->location_id[sample->n_location_id++] = encoder_location(encoder, stack->pcs[i]);
    if (root != NULL)
        sample->location_id[sample->n_location_id++] = encoder_pseudo(encoder, root);
    sample->n_value = 2;
    sample->value = memory_zeroed(2 * sizeof sample->value[0]);
    sample->value[0] = (int64_t)stack->count;
    sample->value[1] = ticks_to_ns(stack->count, stack->rate_millihertz);
    encoder_labels(encoder, sample, stack);
    encoder->sample = array_reserve(encoder->sample, &encoder->sample_capacity,
                                    encoder->sample_count + 1, sizeof encoder->sample[0]);
    encoder->sample[encoder->sample_count++] = sample;
}

static Pprof__ValueType *encoder_type(struct encoder *encoder, const char *type, const char *unit)
{
    Pprof__ValueType *value = memory_zeroed(sizeof *value);

    pprof__value_type__init(value);
    value->type = encoder_string(encoder, type);
    value->unit = encoder_string(encoder, unit);
    return value;
}

static void encoder_mappings(struct encoder *encoder, Pprof__Profile *profile)
{
    const struct image *image = symbols_image(encoder->symbols);
    struct buffer id = {0};

    for (size_t i = 0; i < image->build_id_bytes; i++)
        buffer_printf(&id, "%02x", image->build_id[i]);
    profile->mapping = memory_zeroed(image->segment_count * sizeof profile->mapping[0]);
    for (size_t i = 0; i < image->segment_count; i++) {
        Pprof__Mapping *mapping = memory_zeroed(sizeof *mapping);

        pprof__mapping__init(mapping);
        mapping->id = i + 1;
        mapping->memory_start = image->segments[i].start;
        mapping->memory_limit = image->segments[i].limit;
        mapping->file_offset = image->segments[i].file_offset;
        mapping->filename = encoder_string(encoder, image->path);
        mapping->build_id = encoder_string(encoder, buffer_text(&id));
        mapping->has_functions = mapping->has_filenames = true;
        mapping->has_line_numbers = mapping->has_inline_frames = true;
        profile->mapping[profile->n_mapping++] = mapping;
    }
    buffer_free(&id);
}

/* Everything but the samples. The string table comes last: nothing may add to it any more. */
/* Hangs everything into the message. */
static void encoder_hang(struct encoder *encoder, Pprof__Profile *profile)
{
    profile->sample = encoder->sample;
    profile->n_sample = encoder->sample_count;
    profile->function = encoder->function;
    profile->n_function = encoder->functions.count;
    profile->location = encoder->location;
    profile->n_location = encoder->locations.count;
    profile->n_string_table = encoder->strings.count;
    profile->string_table = memory_zeroed(encoder->strings.count * sizeof(char *));
    for (size_t i = 0; i < encoder->strings.count; i++)
        profile->string_table[i] = memory_string(map_key(&encoder->strings, i));
}

static void encoder_finish(struct encoder *encoder, Pprof__Profile *profile, int64_t time_ns,
                           const char *comment)
{
    const char *time = (encoder->reader->flags & LOG_WALL) != 0 ? "wall" : "cpu";

    profile->sample_type = memory_zeroed(2 * sizeof profile->sample_type[0]);
    profile->sample_type[profile->n_sample_type++] = encoder_type(encoder, "samples", "count");
    profile->sample_type[profile->n_sample_type++] = encoder_type(encoder, time, "nanoseconds");
    profile->period_type = encoder_type(encoder, time, "nanoseconds");
    profile->period = ticks_to_ns(1, log_reader_rate_millihertz(encoder->reader));
    profile->time_nanos = time_ns;
    profile->duration_nanos = (int64_t)log_reader_duration_ns(encoder->reader);
    encoder_mappings(encoder, profile);
    if (comment != NULL) {
        profile->comment = memory_zeroed(sizeof profile->comment[0]);
        profile->comment[profile->n_comment++] = encoder_string(encoder, comment);
    }
}

static void encoder_pack(struct encoder *encoder, Pprof__Profile *profile, struct buffer *gzipped)
{
    uint8_t *packed;
    size_t length;

    encoder_hang(encoder, profile);
    length = pprof__profile__get_packed_size(profile);
    packed = memory_zeroed(length);
    pprof__profile__pack(profile, packed);
    gzip_append(gzipped, packed, length);
    free(packed);
    pprof__profile__free_unpacked(profile, NULL); /* frees every part: all of them are malloc's */
    map_free(&encoder->strings);
    map_free(&encoder->functions);
    map_free(&encoder->locations);
}

void profile_proto_encode(struct buffer *gzipped, const struct log_reader *reader,
                          struct symbols *symbols, int64_t time_ns, const char *comment)
{
    struct encoder encoder = {.reader = reader, .symbols = symbols};
    Pprof__Profile *profile = memory_zeroed(sizeof *profile);

    pprof__profile__init(profile);
    encoder_string(&encoder, ""); /* entry 0, by definition */
    for (size_t i = 0; i < log_reader_stack_count(reader); i++) {
        struct log_stack stack = log_reader_stack(reader, i);

        encoder_sample(&encoder, &stack);
    }
    encoder_finish(&encoder, profile, time_ns, comment);
    encoder_pack(&encoder, profile, gzipped);
}

/* ---- profiles by place ---- */

/* Is this the heap's own code, which says nothing in a profile of the heap? */
static bool is_heap(struct symbols *symbols, uint64_t pc)
{
    static const char *const files[] = {"mem/malloc.c",       "mem/newlib_malloc.c", "mem/guard.c",
                                        "mem/glibc_malloc.c", "mem/gc_alloc.c",      "mem/watch.c",
                                        "sched/cxx.c",        "prof/heap_profile.c"};
    const struct location *location = symbols_find(symbols, pc);

    if (!location->is_known || location->count == 0)
        return false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(location->frames[location->count - 1].file, files[i]) == 0)
            return true;
    return strncmp(location->frames[location->count - 1].function, "operator new", 12) == 0;
}

/* The first pc that the profile shows. */
static size_t site_start(const struct encoder *encoder, const struct site_profile *profile,
                         const struct site_entry *entry)
{
    size_t start = 0;

    while (profile->values == SITE_VALUES && start < entry->depth &&
           is_heap(encoder->symbols, entry->pcs[start]))
        start++;
    return start < entry->depth ? start : 0;
}

static void encoder_site(struct encoder *encoder, const struct site_profile *profile,
                         const struct site_entry *entry)
{
    Pprof__Sample *sample = memory_zeroed(sizeof *sample);

    pprof__sample__init(sample);
    sample->location_id = memory_zeroed((entry->depth + 1) * sizeof sample->location_id[0]);
    for (size_t i = site_start(encoder, profile, entry); i < entry->depth; i++)
        if (entry->pcs[i] != 0)
            sample->location_id[sample->n_location_id++] = encoder_location(encoder, entry->pcs[i]);
    if (sample->n_location_id == 0)
        sample->location_id[sample->n_location_id++] = encoder_pseudo(encoder, "[other]");
    sample->value = memory_zeroed(SITE_VALUES * sizeof sample->value[0]);
    for (unsigned i = 0; i < profile->values; i++)
        sample->value[sample->n_value++] = (int64_t)entry->value[i];
    sample->label = memory_zeroed(sizeof sample->label[0]);
    if (entry->tag[0] != '\0')
        encoder_name_label(encoder, sample, "kind", entry->tag);
    encoder->sample = array_reserve(encoder->sample, &encoder->sample_capacity,
                                    encoder->sample_count + 1, sizeof encoder->sample[0]);
    encoder->sample[encoder->sample_count++] = sample;
}

void profile_proto_encode_sites(struct buffer *gzipped, const struct site_profile *profile,
                                struct symbols *symbols, int64_t time_ns)
{
    struct encoder encoder = {.symbols = symbols};
    Pprof__Profile *message = memory_zeroed(sizeof *message);

    pprof__profile__init(message);
    encoder_string(&encoder, ""); /* entry 0, by definition */
    for (size_t i = 0; i < profile->count; i++)
        encoder_site(&encoder, profile, &profile->entries[i]);
    message->sample_type = memory_zeroed(SITE_VALUES * sizeof message->sample_type[0]);
    for (unsigned i = 0; i < profile->values; i++)
        message->sample_type[message->n_sample_type++] =
            encoder_type(&encoder, profile->type[i], profile->unit[i]);
    message->period = (int64_t)profile->period;
    if (profile->values == SITE_VALUES) { /* a heap profile, as Go's */
        message->period_type = encoder_type(&encoder, "space", "bytes");
        message->default_sample_type = encoder_string(&encoder, profile->type[SITE_VALUES - 1]);
    } else {
        message->period_type = encoder_type(&encoder, profile->type[0], profile->unit[0]);
    }
    message->time_nanos = time_ns;
    encoder_mappings(&encoder, message);
    encoder_pack(&encoder, message, gzipped);
}
