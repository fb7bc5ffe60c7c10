/* SPDX-License-Identifier: MIT */
#include "tools/weft/results.h"

#include <inttypes.h>
#include <string.h>

#include "tools/weft/flame.h"
#include "tools/weft/json.h"
#include "tools/weft/message.h"
#include "tools/weft/profile_proto.h"
#include "tools/weft/stacks.h"
#include "tools/weft/table.h"

#define FUNCTIONS_SHOWN 10

enum results_verdict results_verdict(const struct capture *capture)
{
    const struct log_reader *reader = &capture->reader;

    if (reader->refusal.length > 0)
        return RESULTS_REFUSED;
    if (log_reader_complete(reader))
        return RESULTS_WHOLE;
    return reader->problem_count > 0 ? RESULTS_DAMAGED : RESULTS_NONE;
}

void results_complain(struct buffer *sentence, const struct results_request *request)
{
    const struct log_reader *reader = &request->capture->reader;

    switch (results_verdict(request->capture)) {
    case RESULTS_REFUSED:
        buffer_printf(sentence, "%s: %s", request->source, buffer_text(&reader->refusal));
        break;
    case RESULTS_DAMAGED:
        buffer_printf(sentence, "%s: the sample log is not whole: %s", request->source,
                      buffer_text(&reader->problems));
        if (request->capture->demux.lost_bytes > 0)
            buffer_printf(sentence, " (%" PRIu64 " bytes of lost frames)",
                          request->capture->demux.lost_bytes);
        break;
    case RESULTS_NONE:
        if (!site_profiles_any(&request->capture->sites) &&
            request->capture->sites.problems.length == 0)
            buffer_printf(sentence, "%s: there is no sample log of %s in it", request->source,
                          reader->image->path);
        break;
    case RESULTS_WHOLE:
        break;
    }
    if (request->capture->sites.problems.length > 0)
        buffer_printf(sentence, "%s%s: %s", sentence->length > 0 ? "; " : "", request->source,
                      buffer_text(&request->capture->sites.problems));
}

/* A line and a file for each profile by place. */
static bool write_sites(const struct results_request *request, struct out_dir *out,
                        struct buffer *printed, struct buffer *error)
{
    bool is_good = true;

    for (unsigned number = 0; number < SITE_PROFILES; number++) {
        const struct site_profile *profile = &request->capture->sites.profile[number];
        struct buffer contents = {0};
        uint64_t sum[SITE_VALUES] = {0};

        if (!profile->complete)
            continue;
        profile_proto_encode_sites(&contents, profile, request->symbols, request->time_ns);
        is_good = is_good && out_dir_write(out, site_profiles_file(number), &contents, error);
        for (size_t i = 0; i < profile->count * SITE_VALUES; i++)
            sum[i % SITE_VALUES] += profile->entries[i / SITE_VALUES].value[i % SITE_VALUES];
        if (!request->is_json) {
            buffer_printf(printed, "%s: places=%zu", site_profiles_name(number), profile->count);
            for (unsigned i = 0; i < profile->values; i++)
                buffer_printf(printed, " %s=%" PRIu64, profile->type[i], sum[i]);
            buffer_string(printed, "\n");
        }
        buffer_free(&contents);
    }
    return is_good;
}

/* "1000 Hz", "62.5 Hz", "333.333 Hz": as exact as the log says it, without zeros at the end. */
static void put_rate(struct buffer *text, uint64_t millihertz)
{
    char digits[32];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64 ".%03" PRIu64,
                                     millihertz / 1000, millihertz % 1000);

    while (digits[length - 1] == '0')
        length--;
    if (digits[length - 1] == '.')
        length--;
    buffer_append(text, digits, length);
    buffer_string(text, " Hz");
}

static void put_description(struct buffer *text, const struct log_reader *reader, uint64_t total)
{
    unsigned cores = log_reader_core_count(reader);

    buffer_printf(text, "%" PRIu64 " ticks, %u core%s, ", total, cores, cores == 1 ? "" : "s");
    put_rate(text, log_reader_rate_millihertz(reader));
    buffer_printf(text, ", %.3f s", (double)log_reader_duration_ns(reader) / 1e9);
    if (!log_reader_complete(reader))
        buffer_string(text, " (what is left of a damaged log)");
}

static void put_totals(struct buffer *text, const struct log_totals *totals)
{
    buffer_printf(text,
                  "profile: ticks=%" PRIu64 " recorded=%" PRIu64 " lost_atomic64=%" PRIu64
                  " lost_full=%" PRIu64 " lost_nolock=%" PRIu64 " suppressed=%" PRIu64,
                  totals->ticks, totals->recorded, totals->lost_atomic64, totals->lost_full,
                  totals->lost_nolock, totals->suppressed);
    if (totals->waited != 0 || totals->waited_lost != 0)
        buffer_printf(text, " waited=%" PRIu64 " waited_lost=%" PRIu64, totals->waited,
                      totals->waited_lost);
    buffer_string(text, "\n");
}

static void put_json_totals(struct buffer *json, const struct log_totals *totals)
{
    buffer_printf(json,
                  "\"ticks\": %" PRIu64 ", \"recorded\": %" PRIu64 ", \"lost_atomic64\": %" PRIu64
                  ", \"lost_full\": %" PRIu64 ", \"lost_nolock\": %" PRIu64
                  ", \"suppressed\": %" PRIu64 ", \"waited\": %" PRIu64
                  ", \"waited_lost\": %" PRIu64,
                  totals->ticks, totals->recorded, totals->lost_atomic64, totals->lost_full,
                  totals->lost_nolock, totals->suppressed, totals->waited, totals->waited_lost);
}

static void put_json(struct buffer *json, const struct results_request *request,
                     const struct table *table)
{
    const struct log_reader *reader = &request->capture->reader;
    struct log_totals totals = log_reader_totals(reader);

    buffer_printf(json, "{\"complete\": %s, ", log_reader_complete(reader) ? "true" : "false");
    buffer_string(json, "\"problems\": ");
    json_string(json, buffer_text(&reader->problems));
    buffer_printf(json, ", \"lost_bytes\": %" PRIu64 ", \"stray_bytes\": %" PRIu64,
                  request->capture->demux.lost_bytes, request->capture->demux.strays);
    buffer_printf(
        json, ", \"cores\": %u, \"rate_millihertz\": %" PRIu64 ", \"duration_ns\": %" PRIu64 ", ",
        log_reader_core_count(reader), log_reader_rate_millihertz(reader),
        log_reader_duration_ns(reader));
    put_json_totals(json, &totals);
    buffer_string(json, ", \"functions\": [");
    for (size_t i = 0; i < table->count; i++) {
        buffer_string(json, i > 0 ? ", {\"function\": " : "{\"function\": ");
        json_string(json, table->rows[i].function);
        buffer_printf(json, ", \"flat\": %" PRIu64 ", \"cumulative\": %" PRIu64 "}",
                      table->rows[i].flat, table->rows[i].cumulative);
    }
    buffer_string(json, "]}\n");
}

static const char *results_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool write_profile(const struct results_request *request, struct out_dir *out,
                          struct buffer *error)
{
    const struct log_reader *reader = &request->capture->reader;
    const char *comment = log_reader_complete(reader) ? NULL : buffer_text(&reader->problems);
    struct buffer contents = {0};
    bool is_good;

    profile_proto_encode(&contents, reader, request->symbols, request->time_ns, comment);
    is_good = out_dir_write(out, "cpu.pb.gz", &contents, error);
    buffer_free(&contents);
    return is_good;
}

static bool write_flame(const struct results_request *request, const struct stacks *stacks,
                        struct out_dir *out, struct buffer *error)
{
    struct buffer contents = {0}, title = {0}, subtitle = {0};
    bool is_good;

    buffer_printf(&title, "%s profile of %s",
                  (request->capture->reader.flags & LOG_WALL) != 0 ? "Wall-clock" : "CPU",
                  results_base_name(request->capture->image.path));
    put_description(&subtitle, &request->capture->reader, stacks->total);
    flame_print(&contents, stacks, buffer_text(&title), buffer_text(&subtitle));
    is_good = out_dir_write(out, "flame.svg", &contents, error);
    buffer_clear(&contents);
    table_fold(&contents, stacks);
    is_good = is_good && out_dir_write(out, "folded.txt", &contents, error);
    buffer_free(&contents);
    buffer_free(&title);
    buffer_free(&subtitle);
    return is_good;
}

static void put_summary(struct buffer *summary, const struct results_request *request,
                        const struct table *table)
{
    struct log_totals totals = log_reader_totals(&request->capture->reader);

    buffer_string(summary, "The heaviest functions, of ");
    put_description(summary, &request->capture->reader, table->total);
    buffer_string(summary, ":\n");
    table_print(summary, table, FUNCTIONS_SHOWN);
    put_totals(summary, &totals);
}

bool results_write(const struct results_request *request, struct out_dir *out,
                   struct buffer *printed, struct buffer *error)
{
    enum results_verdict verdict = results_verdict(request->capture);
    struct buffer summary = {0};
    struct stacks stacks;
    struct table table;
    bool is_good;

    if (!write_sites(request, out, printed, error))
        return false;
    if (verdict != RESULTS_WHOLE && !(verdict == RESULTS_DAMAGED && request->is_partial))
        return true;
    stacks_build(&stacks, &request->capture->reader, request->symbols);
    table_build(&table, &stacks);
    put_summary(&summary, request, &table);
    is_good = write_profile(request, out, error) && write_flame(request, &stacks, out, error) &&
              out_dir_write(out, "summary.txt", &summary, error);
    if (request->is_json)
        put_json(printed, request, &table);
    else
        buffer_append(printed, buffer_text(&summary), summary.length);
    table_free(&table);
    stacks_free(&stacks);
    buffer_free(&summary);
    return is_good;
}

int results_publish(const struct results_request *request, struct out_dir *out)
{
    struct buffer printed = {0}, error = {0};
    int status = 0;

    if (!results_write(request, out, &printed, &error) || !out_dir_publish(out, &error)) {
        out_dir_discard(out);
        message_error("%s", buffer_text(&error));
        status = EXIT_IO;
    } else {
        fwrite(buffer_text(&printed), 1, printed.length, stdout);
        results_complain(&error, request);
        if (error.length > 0) {
            message_error("%s", buffer_text(&error));
            status = EXIT_DATA;
        }
    }
    buffer_free(&printed);
    buffer_free(&error);
    return status;
}
