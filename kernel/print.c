/* SPDX-License-Identifier: MIT */
#include "kernel/print.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/divide.h"

/* One conversion, as parsed. */
struct spec {
    bool left, zero;
    int width;
    int precision; /* -1: none */
    char length;   /* 0, 'l', 'L' for ll and j, 'z' */
};

static void emit(struct print_sink *sink, const char *bytes, size_t count)
{
    if (count != 0)
        sink->write(sink, bytes, count);
}

static void emit_fill(struct print_sink *sink, char fill, int count)
{
    for (; count > 0; count--)
        emit(sink, &fill, 1);
}

static void emit_field(struct print_sink *sink, const struct spec *spec, const char *bytes,
                       int count)
{
    if (!spec->left)
        emit_fill(sink, ' ', spec->width - count);
    emit(sink, bytes, (size_t)count);
    if (spec->left)
        emit_fill(sink, ' ', spec->width - count);
}

/* Digits of `value` from the end of buffer backwards; returns how many. 20 decimal digits hold 64
 * bits. */
static int digits(char buffer[20], uint64_t value, unsigned base, bool upper)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int count = 0;

    do {
        uint64_t quotient = divide_u64(value, base);

        buffer[19 - count++] = alphabet[value - quotient * base];
        value = quotient;
    } while (value != 0);
    return count;
}

static void emit_number(struct print_sink *sink, const struct spec *spec, uint64_t value,
                        unsigned base, bool upper, const char *prefix)
{
    char buffer[20];
    int count = digits(buffer, value, base, upper);
    int prefix_length = prefix[0] == '\0' ? 0 : prefix[1] == '\0' ? 1 : 2;
    int padding = spec->width - count - prefix_length;

    if (!spec->left && !spec->zero)
        emit_fill(sink, ' ', padding);
    emit(sink, prefix, (size_t)prefix_length);
    if (!spec->left && spec->zero)
        emit_fill(sink, '0', padding);
    emit(sink, buffer + 20 - count, (size_t)count);
    if (spec->left)
        emit_fill(sink, ' ', padding);
}

static uint64_t next_unsigned(const struct spec *spec, va_list *arguments)
{
    switch (spec->length) {
    case 'l':
        return va_arg(*arguments, unsigned long);
    case 'L':
        return va_arg(*arguments, unsigned long long);
    case 'z':
        return va_arg(*arguments, size_t);
    default:
        return va_arg(*arguments, unsigned);
    }
}

static int64_t next_signed(const struct spec *spec, va_list *arguments)
{
    switch (spec->length) {
    case 'l':
        return va_arg(*arguments, long);
    case 'L':
        return va_arg(*arguments, long long);
    case 'z':
        return (int64_t)va_arg(*arguments, ptrdiff_t);
    default:
        return va_arg(*arguments, int);
    }
}

static void emit_string(struct print_sink *sink, const struct spec *spec, const char *text)
{
    int count = 0;

    if (text == NULL)
        text = "(null)";
    while ((spec->precision < 0 || count < spec->precision) && text[count] != '\0')
        count++;
    emit_field(sink, spec, text, count);
}

static void emit_signed(struct print_sink *sink, const struct spec *spec, int64_t value)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    emit_number(sink, spec, magnitude, 10, false, value < 0 ? "-" : "");
}

static void emit_conversion(struct print_sink *sink, const struct spec *spec, char conversion,
                            va_list *arguments)
{
    char character;

    switch (conversion) {
    case 's':
        emit_string(sink, spec, va_arg(*arguments, const char *));
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        emit_field(sink, spec, &character, 1);
        break;
    case 'd':
    case 'i':
        emit_signed(sink, spec, next_signed(spec, arguments));
        break;
    case 'u':
        emit_number(sink, spec, next_unsigned(spec, arguments), 10, false, "");
        break;
    case 'x':
    case 'X':
        emit_number(sink, spec, next_unsigned(spec, arguments), 16, conversion == 'X', "");
        break;
    case 'p':
        emit_number(sink, spec, (uintptr_t)va_arg(*arguments, void *), 16, false, "0x");
        break;
    default: /* %% and mistakes show themselves */
        emit(sink, &conversion, 1);
    }
}

/* Parses what stands behind a %, up to the conversion character, which it returns a pointer to. */
static const char *parse(const char *format, struct spec *spec, va_list *arguments)
{
    *spec = (struct spec){.precision = -1};
    for (; *format == '-' || *format == '0'; format++) {
        spec->left |= *format == '-';
        spec->zero |= *format == '0';
    }
    for (; *format >= '0' && *format <= '9'; format++)
        spec->width = spec->width * 10 + (*format - '0');
    if (*format == '.') {
        format++;
        spec->precision = 0;
        if (*format == '*') {
            spec->precision = va_arg(*arguments, int);
            format++;
        }
        for (; *format >= '0' && *format <= '9'; format++)
            spec->precision = spec->precision * 10 + (*format - '0');
    }
    for (; *format == 'l' || *format == 'z' || *format == 'j'; format++)
        spec->length = *format == 'j' || spec->length == 'l' ? 'L' : *format;
    return format;
}

void print_format(struct print_sink *sink, const char *format, va_list arguments)
{
    struct spec spec;
    va_list copy;

    va_copy(copy, arguments);
    while (*format != '\0') {
        const char *start = format;

        while (*format != '\0' && *format != '%')
            format++;
        emit(sink, start, (size_t)(format - start));
        if (*format == '\0')
            break;
        format = parse(format + 1, &spec, &copy);
        if (*format == '\0')
            break;
        emit_conversion(sink, &spec, *format++, &copy);
    }
    va_end(copy);
}
