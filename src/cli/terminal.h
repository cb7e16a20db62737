/* What people see: colour and progress on a terminal alone, and text of strangers made harmless. */
#ifndef ASSAY_CLI_TERMINAL_H
#define ASSAY_CLI_TERMINAL_H

#include <stdio.h>

#include "base/json.h"

enum ink { INK_NONE, INK_GOOD, INK_BAD, INK_WARNING, INK_STRONG, INK_FAINT };

/* The escape sequence that begins (INK_NONE: ends) a colour; "" where the stream is no terminal, TERM is "dumb" or
 * NO_COLOR is set. */
const char *ink(FILE *stream, enum ink colour);
/* One line on standard error that the next one overwrites; nothing where that is no terminal. NULL clears it. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Control characters and what is no UTF-8 as \xNN: evidence, tokens and servers must not steer the terminal. */
void put_safe(FILE *stream, struct bytes text);
/* A JSON tree as indented lines `name   value`, for people. */
void put_tree(FILE *stream, const struct json *tree, int indent);
/* One object, indented, with a line end; what put_safe would not print is written \uNNNN. */
void put_json(struct arena *a, const struct json *tree);

#endif
