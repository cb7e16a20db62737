/* Frames over a non-blocking socket, from the event loop: the host's end of what core/frame.h does in the core's processes. A
 * frame that fits the socket goes out with one call of the system, and one that came whole is given on where it lies. */
#ifndef ASSAY_SERVICE_CHANNEL_H
#define ASSAY_SERVICE_CHANNEL_H

#include <event2/event.h>

#include "core/frame.h"

struct channel;

/* A frame came; the body's view ends with the call. */
typedef void channel_frame(void *context, enum frame_kind kind, struct bytes body);
/* The other end closed, or said what is no frame. Called once, by the event loop and never from channel_send. */
typedef void channel_closed(void *context);

/* Takes the descriptor and makes it non-blocking. NULL without memory. */
struct channel *channel_open(struct event_base *base, int fd, channel_frame *frame, channel_closed *closed,
                             void *context);
/* Closes the descriptor. Also from within the callbacks; none is called afterwards. */
void channel_free(struct channel *c);
/* Send it, now or when the socket has room. A body above LIMIT_FRAME ends the channel. */
void channel_send(struct channel *c, enum frame_kind kind, struct bytes body);

#endif
