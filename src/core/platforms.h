/* Platforms that a verifier accepted, remembered so that each is judged once against the newest TCB data at hand, off the path of
 * its requests (endorsement/forecast.h). Bounded; the oldest of a row goes. It holds no name of a tenant and changes no answer. */
#ifndef ASSAY_CORE_PLATFORMS_H
#define ASSAY_CORE_PLATFORMS_H

#include "endorsement/forecast.h"

struct platforms;

struct platforms *platforms_new(void); /* NULL without memory */
void platforms_free(struct platforms *p);
/* Remember it. True: it was not known, so it is to be judged. */
bool platforms_note(struct platforms *p, const struct platform_identity *identity);
/* What is known of a platform, once the newest data are in force. */
struct outlook {
    uint8_t id[SHA256_SIZE];
    enum platform_tee tee;
    enum tcb_gap_kind reason; /* the first; GAP_NONE: it will be accepted, or no data are at hand */
};
void platforms_judge(const struct platforms *p, const struct platform_identity *identity, const struct endorsements *e,
                     const struct settings *s, int64_t time, struct outlook *out);
/* The same of every one, after endorsements or settings changed. */
typedef bool platforms_told(void *context, const struct outlook *outlook); /* false ends it */
bool platforms_judge_all(const struct platforms *p, const struct endorsements *e, const struct settings *s,
                         int64_t time, platforms_told *tell, void *context);

#endif
