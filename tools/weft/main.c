/* SPDX-License-Identifier: MIT */
/*
 * weft, the host's side of the library: runs an image, separates its console from its sample log,
 * and says what the addresses in both mean. docs/tool.md describes it.
 *
 * How it hangs together: supervisor.c runs a command and hands its bytes on. capture.c sends them
 * through demux.c (text or frames), symbolizer.c (text with addresses explained) and log_reader.c
 * (frames to stacks and totals). symbols.c answers for addresses, from image.c's symbol table and
 * DWARF. results.c makes the files: profile_proto.c, flame.c, table.c, all published together by
 * out_dir.c.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "tools/weft/buffer.h"
#include "tools/weft/commands.h"
#include "tools/weft/message.h"

const char *argp_program_version = "weft 0.1";

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"run", command_run},         {"report", command_report}, {"symbolize", command_symbolize},
    {"profile", command_profile}, {"dump", command_dump},     {"flash", command_flash},
    {"heap", command_heap},
};

static const char about[] =
    "Runs weft images, and reads their console and sample log."
    "\v"
    "Commands (each has a --help of its own):\n"
    "  run        run an image under QEMU or as a process, and collect its profile\n"
    "  report     the same from a stored serial log\n"
    "  profile    record a profile of a running target, or read one out of a log\n"
    "  dump       ask a running target for all threads' stacks, or read them out of a log\n"
    "  symbolize  explain the addresses in a text\n"
    "  flash      make an image for a board's boot flash\n"
    "  heap       read a heap dump: who holds memory, who points where, a core for gdb\n"
    "\n"
    "Exit codes: 64 usage, 65 damaged log or wrong image, 66 missing input, 69 no answer, 71 "
    "system error, 74 "
    "result "
    "not written, 124 time limit, 126 and 127 command not started; `weft run` else has the "
    "command's.";

static int run_command(const char *name, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0) {
            struct buffer full_name = {0};

            buffer_printf(&full_name, "weft %s", name);
            argv[0] = full_name.data;
            return commands[i].run(argc, argv);
        }
    message_error("%s: no such command; see weft --help", name);
    return EXIT_USAGE;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    int *status = state->input;

    if (key == ARGP_KEY_ARG) {
        int first = state->next - 1;

        state->next = state->argc;
        *status = run_command(argument, state->argc - first, state->argv + first);
        return 0;
    }
    if (key == ARGP_KEY_NO_ARGS)
        argp_usage(state);
    return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
    static const struct argp parser = {
        .parser = parse_option, .args_doc = "COMMAND [OPTION...]", .doc = about};
    int status = EXIT_USAGE;

    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &status) != 0)
        return EXIT_USAGE;
    return status;
}
