/* Which TCB baselines Intel's documents at hand make up. */
#include "endorsement/intel/store.h"

static const struct bytes *newest_date(const struct tcb_info *t)
{
    const struct bytes *newest = NULL;

    for (size_t i = 0; i < t->level_count; i++)
        if (!newest || bytes_compare(t->levels[i].date, *newest) > 0) /* all of one form: YYYY-MM-DDThh:mm:ssZ */
            newest = &t->levels[i].date;
    return newest;
}

static void note(struct tcb_baseline *list, size_t *count, const struct tcb_info *t)
{
    const struct bytes *date = newest_date(t);
    size_t i = 0;

    while (i < *count && list[i].evaluation > t->document.evaluation)
        i++;
    if (i == *count || list[i].evaluation != t->document.evaluation) {
        memmove(list + i + 1, list + i, (*count - i) * sizeof *list);
        list[i] = (struct tcb_baseline){.evaluation = t->document.evaluation};
        ++*count;
    }
    if (date && bytes_compare(*date, list[i].date) > 0)
        list[i].date = *date;
}

size_t tcb_baselines(const struct endorsements *e, enum intel_tee tee, struct arena *a, const struct tcb_baseline **out)
{
    struct tcb_baseline *list = ARENA_ARRAY(a, struct tcb_baseline, e->tcb_info_count);
    size_t count = 0;

    for (size_t i = 0; i < e->tcb_info_count; i++)
        if (e->tcb_infos[i].tee == tee && e->tcb_infos[i].document.signature_ok)
            note(list, &count, &e->tcb_infos[i]);
    *out = list;
    return count;
}
