/* SPDX-License-Identifier: MIT */
#include "tools/weft/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>
#include <zlib.h>

#include "prof/log_format.h"
#include "tools/weft/message.h"
#include "tools/weft/progress.h"

#define TCP_PREFIX "tcp:"
#define PTY_MAJOR_FIRST 136 /* Linux, Documentation/admin-guide/devices.txt */
#define PTY_MAJOR_LAST 143

static bool fail(struct buffer *error, const char *name, const char *why)
{
    buffer_printf(error, "%s: %s", name, why);
    return false;
}

static bool open_local(struct target *target, struct buffer *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(target->name) >= sizeof address.sun_path)
        return fail(error, target->name, "too long for the name of a socket");
    strcpy(address.sun_path, target->name);
    target->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (target->fd < 0 ||
        connect(target->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail(error, target->name, strerror(errno));
    return true;
}

static bool open_tcp(struct target *target, struct buffer *error)
{
    char *host = strdup(target->name + strlen(TCP_PREFIX)), *port = strrchr(host, ':');
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int problem = EAI_NONAME;

    if (port != NULL) {
        *port++ = '\0';
        problem = getaddrinfo(host, port, &hints, &list);
    }
    free(host);
    if (port == NULL || problem != 0)
        return fail(error, target->name,
                    port == NULL ? "tcp:HOST:PORT is wanted" : gai_strerror(problem));
    for (const struct addrinfo *at = list; at != NULL && target->fd < 0; at = at->ai_next) {
        target->fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (target->fd >= 0 && connect(target->fd, at->ai_addr, at->ai_addrlen) != 0) {
            problem = errno;
            close(target->fd);
            target->fd = -1;
        }
    }
    freeaddrinfo(list);
    return target->fd >= 0 || fail(error, target->name, strerror(problem));
}

static bool speed_of(unsigned baud, speed_t *speed)
{
    static const struct {
        unsigned baud;
        speed_t speed;
    } speeds[] = {{9600, B9600},       {19200, B19200},     {38400, B38400},    {57600, B57600},
                  {115200, B115200},   {230400, B230400},   {460800, B460800},  {921600, B921600},
                  {1000000, B1000000}, {1500000, B1500000}, {3000000, B3000000}};

    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
        if (speeds[i].baud == baud) {
            *speed = speeds[i].speed;
            return true;
        }
    return false;
}

/* Bytes as they are, both ways; no flow control. */
static bool open_terminal(struct target *target, unsigned device_major, unsigned baud,
                          struct buffer *error)
{
    struct termios mode;
    speed_t speed;

    if (!speed_of(baud, &speed))
        return fail(error, target->name, "no such baud rate");
    target->fd = open(target->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (target->fd < 0)
        return fail(error, target->name, strerror(errno));
    if (tcgetattr(target->fd, &mode) != 0)
        return fail(error, target->name, "neither a serial device nor a socket nor a file");
    cfmakeraw(&mode);
    mode.c_cflag |= CLOCAL | CREAD;
    cfsetspeed(&mode, speed);
    if (tcsetattr(target->fd, TCSANOW, &mode) != 0)
        return fail(error, target->name, strerror(errno));
    target->has_break = device_major < PTY_MAJOR_FIRST || device_major > PTY_MAJOR_LAST;
    return true;
}

static bool open_any(struct target *target, unsigned baud, struct buffer *error)
{
    struct stat status;

    target->is_live = true;
    if (strncmp(target->name, TCP_PREFIX, strlen(TCP_PREFIX)) == 0)
        return open_tcp(target, error);
    if (strcmp(target->name, "-") == 0) {
        target->is_live = false;
        target->fd = STDIN_FILENO;
        return true;
    }
    if (stat(target->name, &status) != 0)
        return fail(error, target->name, strerror(errno));
    if (S_ISSOCK(status.st_mode))
        return open_local(target, error);
    if (S_ISCHR(status.st_mode))
        return open_terminal(target, major(status.st_rdev), baud, error);
    target->is_live = false;
    target->fd = open(target->name, O_RDONLY | O_CLOEXEC);
    return target->fd >= 0 || fail(error, target->name, strerror(errno));
}

bool target_open(struct target *target, const char *name, unsigned baud, struct buffer *error)
{
    *target = (struct target){.name = name, .fd = -1, .number = (uint32_t)getpid() << 8 | 1};
    signal(SIGPIPE, SIG_IGN); /* a target that has gone away is an error like others */
    if (open_any(target, baud, error))
        return true;
    target_close(target);
    return false;
}

void target_close(struct target *target)
{
    if (target->fd > STDIN_FILENO)
        close(target->fd);
    target->fd = -1;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

bool target_ask(struct target *target, const char *request, bool again)
{
    struct buffer text = {0}, frame = {0};
    bool is_good;

    target->number += !again;
    buffer_printf(&text, "%" PRIu32 " %s", target->number, request);
    buffer_byte(&frame, (char)FRAME_BEGIN);
    buffer_printf(&frame, "%s %08lx", buffer_text(&text),
                  crc32(0, (const Bytef *)text.data, (uInt)text.length));
    buffer_byte(&frame, (char)FRAME_END);
    is_good = write_all(target->fd, frame.data, frame.length);
    buffer_free(&text);
    buffer_free(&frame);
    return is_good;
}

bool target_break(struct target *target)
{
    return tcsendbreak(target->fd, 0) == 0;
}

ssize_t target_read(struct target *target, uint8_t *bytes, size_t size, int wait_ms)
{
    struct pollfd ready = {.fd = target->fd, .events = POLLIN};
    ssize_t got;

    errno = 0;
    if (poll(&ready, 1, wait_ms) <= 0)
        return errno == 0 || errno == EINTR ? 0 : -1;
    got = read(target->fd, bytes, size);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (got < 0 && errno == EIO)
        errno = 0; /* a pseudo terminal whose other end is closed */
    target->bytes += got > 0 ? (uint64_t)got : 0;
    return got > 0 ? got : -1;
}

int target_file_end(const struct target *target)
{
    progress_end();
    if (errno == 0)
        return 0;
    message_error("%s: %s", target->name, strerror(errno));
    return EXIT_NO_INPUT;
}

const char *target_error(uint32_t status)
{
    static const char *const texts[] = {
        "it was done",
        "it does not know such a request, or the rate is outside 10 to 20000 Hz",
        "it has no memory for that",
        "the deadline passed",
        "it would have to wait",
        "a profile is running already",
        "it was closed",
        "it would wait for ever",
        "it is not allowed",
        "its build does not have that",
        "there is nothing to stop"};
    uint32_t number = 0 - status;

    return number < sizeof texts / sizeof texts[0] ? texts[number] : "for an unknown reason";
}
