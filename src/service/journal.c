#include "service/journal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

int journal_open(struct fault *fault)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        fault_set(fault, FAULT_SYSTEM, "no socket for the journal: %s", strerror(errno));
    return fd;
}

bool journal_send(int fd, enum journal_priority priority, struct bytes line, struct fault *fault)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX,
                             .sun_path = JOURNAL_SOCKET}; /* by name: the journal may start anew */
    char head[96];
    int n =
        snprintf(head, sizeof head, "PRIORITY=%d\nSYSLOG_IDENTIFIER=" JOURNAL_IDENTIFIER "\nMESSAGE=", (int)priority);
    struct iovec parts[] = {{head, (size_t)n}, {(void *)(uintptr_t)line.p, line.n}, {(char[]){'\n'}, 1}};
    const struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = parts, .msg_iovlen = 3};

    if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return true;
    return fault_set(fault, FAULT_SYSTEM, "the journal at " JOURNAL_SOCKET " does not take a record: %s",
                     strerror(errno));
}
