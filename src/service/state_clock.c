#include "service/state_clock.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "core/state_checkpoint.h"
#include "service/log.h"

enum { WARN_SECONDS = 60 * 60 };

/* Setting the clock does not move it, and it goes on while the machine sleeps. */
static int64_t went_by(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec;
}

void state_clock_begin(struct state_clock *c)
{
    *c = (struct state_clock){.offset = (int64_t)time(NULL) - went_by()};
}

int64_t state_clock_behind(int64_t checkpoint, int64_t now)
{
    return now < checkpoint - STATE_CLOCK_ALLOWANCE ? checkpoint - now : 0;
}

static void log_step(int64_t step, const char *now)
{
    if (step > 0)
        log_error(
            "the clock was set %lld seconds ahead, to %s: if that is wrong, set it right now; a checkpoint that is "
            "signed meanwhile keeps that time, and then nothing is served before it has come, or an operator accepted "
            "the store",
            (long long)step, now);
    else
        log_error("the clock was set %lld seconds back, to %s", (long long)-step, now);
}

static void log_behind(int64_t behind, int64_t checkpoint, const char *now)
{
    char of[32];

    time_format(checkpoint, of);
    if (behind)
        log_error(
            "the clock says %s, %lld seconds behind the store's newest checkpoint, of %s: the core judges nothing "
            "(state.time); set the clock right, or, if it was ahead when that was signed, stop the service and "
            "accept the store with `assayd adopt`",
            now, (long long)behind, of);
    else
        log_info("the clock says %s, no longer behind the store's newest checkpoint, of %s", now, of);
}

void state_clock_look(struct state_clock *c, int64_t checkpoint)
{
    int64_t now = (int64_t)time(NULL), past = went_by(), step = now - past - c->offset,
            behind = state_clock_behind(checkpoint, now);
    char text[32];

    time_format(now, text);
    if (llabs(step) > STATE_CLOCK_ALLOWANCE) {
        log_step(step, text);
        c->offset += step;
        c->step = step;
        c->until = past + WARN_SECONDS;
    } else if (past >= c->until) {
        c->step = 0;
    }
    if (c->behind != (behind > 0))
        log_behind(behind, checkpoint, text);
    c->behind = behind > 0;
}
