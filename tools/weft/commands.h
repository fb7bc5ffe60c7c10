/* SPDX-License-Identifier: MIT */
/* The subcommands. Each parses its own arguments (argv[0] is "weft NAME") and returns the exit
 * code. */
#ifndef TOOLS_WEFT_COMMANDS_H
#define TOOLS_WEFT_COMMANDS_H

int command_run(int argc, char **argv);
int command_report(int argc, char **argv);
int command_symbolize(int argc, char **argv);
int command_profile(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_flash(int argc, char **argv);
int command_heap(int argc, char **argv);

#endif
