/* SPDX-License-Identifier: MIT */
/* What the tool says on stderr, and the exit codes that go with it. */
#ifndef TOOLS_WEFT_MESSAGE_H
#define TOOLS_WEFT_MESSAGE_H

/* The numbers of sysexits.h where it has one; scripts rely on them, docs/tool.md lists them. */
enum exit_code {
    EXIT_USAGE = 64,     /* the command line makes no sense */
    EXIT_DATA = 65,      /* a damaged log, totals that do not add up, the wrong ELF */
    EXIT_NO_INPUT = 66,  /* an input file is missing or unreadable */
    EXIT_NO_ANSWER = 69, /* a running target does not answer, or refuses */
    EXIT_SYSTEM = 71,    /* the operating system refused something: memory, fork */
    EXIT_IO = 74,        /* a result could not be written */
    EXIT_LIMIT = 124,    /* the run's time limit, as timeout(1) has it */
    EXIT_NOT_RUN = 126,  /* the command exists but could not be started */
    EXIT_NOT_FOUND = 127 /* no such command */
};

/* One line on stderr, "weft: " before it and a newline after it. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For what a program of this size does not recover from. */
_Noreturn void message_no_memory(void);

#endif
