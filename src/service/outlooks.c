#include "service/outlooks.h"

#include <stdlib.h>

enum { ROWS = 8192, WAYS = 8 }; /* 65,536 platforms in 2.5 MiB; beyond that the oldest of a row is forgotten */

struct row {
    struct outlook kept[WAYS];
    unsigned count, next;
};

struct outlooks {
    struct row rows[ROWS];
    size_t counts[PLATFORM_TEES][GAP_KINDS];
};

struct outlooks *outlooks_new(void)
{
    return calloc(1, sizeof(struct outlooks));
}

void outlooks_free(struct outlooks *o)
{
    free(o);
}

/* Where it is, or is to be. */
static struct outlook *place(struct outlooks *o, const uint8_t id[SHA256_SIZE], bool *known)
{
    struct row *row = &o->rows[(id[0] | id[1] << 8) % ROWS];

    for (unsigned i = 0; i < row->count; i++)
        if (memcmp(row->kept[i].id, id, SHA256_SIZE) == 0) {
            *known = true;
            return &row->kept[i];
        }
    *known = row->count == WAYS; /* one that is forgotten */
    if (row->count < WAYS)
        return &row->kept[row->count++];
    row->next = (row->next + 1) % WAYS;
    return &row->kept[row->next];
}

void outlooks_note(struct outlooks *o, const struct outlook *outlook)
{
    bool known;
    struct outlook *at = place(o, outlook->id, &known);

    if (known)
        o->counts[at->tee][at->reason]--;
    *at = *outlook;
    o->counts[at->tee][at->reason]++;
}

size_t outlooks_count(const struct outlooks *o, enum platform_tee tee, enum tcb_gap_kind reason)
{
    return o ? o->counts[tee][reason] : 0;
}
