/* Lines to systemd's journal, in its native protocol: one datagram a line. */
#ifndef ASSAY_SERVICE_JOURNAL_H
#define ASSAY_SERVICE_JOURNAL_H

#include "base/bytes.h"
#include "base/fault.h"

#define JOURNAL_SOCKET     "/run/systemd/journal/socket"
#define JOURNAL_IDENTIFIER "assayd-audit"

enum journal_priority { JOURNAL_ERROR = 3, JOURNAL_INFO = 6 }; /* those of syslog */

/* -1 with a fault. */
int journal_open(struct fault *fault);
/* A line without line ends. Never waits: a journal that does not keep up is a failure. */
bool journal_send(int fd, enum journal_priority priority, struct bytes line, struct fault *fault);

#endif
