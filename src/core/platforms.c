#include "core/platforms.h"

#include <stdlib.h>

enum { ROWS = 1024, WAYS = 4 }; /* 4096 platforms of 200 bytes; a row holds those whose ids begin alike */

struct row {
    struct platform_identity kept[WAYS];
    unsigned count, next; /* the oldest is at `next` once all are taken */
};

struct platforms {
    struct row rows[ROWS];
    struct snp_tcb newest[SNP_PRODUCT_COUNT]; /* the highest that was accepted of each product */
};

struct platforms *platforms_new(void)
{
    return calloc(1, sizeof(struct platforms));
}

void platforms_free(struct platforms *p)
{
    free(p);
}

static uint8_t higher(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static void note_newest(struct platforms *p, const struct platform_identity *i)
{
    struct snp_tcb *n = &p->newest[i->product];

    *n = (struct snp_tcb){.bootloader = higher(n->bootloader, i->snp.bootloader),
                          .tee = higher(n->tee, i->snp.tee),
                          .snp = higher(n->snp, i->snp.snp),
                          .microcode = higher(n->microcode, i->snp.microcode),
                          .fmc = higher(n->fmc, i->snp.fmc)};
}

bool platforms_note(struct platforms *p, const struct platform_identity *identity)
{
    struct row *row = &p->rows[(identity->id[0] | identity->id[1] << 8) % ROWS];

    for (unsigned i = 0; i < row->count; i++)
        if (memcmp(row->kept[i].id, identity->id, sizeof identity->id) == 0)
            return false;
    if (row->count < WAYS) {
        row->kept[row->count++] = *identity;
    } else {
        row->kept[row->next] = *identity;
        row->next = (row->next + 1) % WAYS;
    }
    if (identity->tee == PLATFORM_SNP)
        note_newest(p, identity);
    return true;
}

void platforms_judge(const struct platforms *p, const struct platform_identity *identity, const struct endorsements *e,
                     const struct settings *s, int64_t time, struct outlook *out)
{
    struct forecast f;

    if (identity->tee == PLATFORM_SNP)
        forecast_amd(s, &p->newest[identity->product], identity, &f);
    else
        forecast_intel(e, s, identity, time, &f);
    *out = (struct outlook){.tee = identity->tee, .reason = f.fails ? f.gap[0].kind : GAP_NONE};
    memcpy(out->id, identity->id, sizeof out->id);
}

bool platforms_judge_all(const struct platforms *p, const struct endorsements *e, const struct settings *s,
                         int64_t time, platforms_told *tell, void *context)
{
    struct outlook outlook;

    for (size_t r = 0; r < ROWS; r++)
        for (unsigned i = 0; i < p->rows[r].count; i++) {
            platforms_judge(p, &p->rows[r].kept[i], e, s, time, &outlook);
            if (!tell(context, &outlook))
                return false;
        }
    return true;
}
