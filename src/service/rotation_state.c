#include "service/rotation_state.h"

#include <inttypes.h>

static void head(struct writer *w, const char *name, const char *type, const char *help)
{
    wr_printf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct writer *w, const char *name, const char *help, int64_t value)
{
    head(w, name, "gauge", help);
    wr_printf(w, "%s %" PRId64 "\n", name, value);
}

void wr_rotation_metrics(struct writer *w, const struct rotation_state *s, int64_t now)
{
    static const char steps[] = "assay_signing_key_steps_total";

    gauge(w, "assay_signing_key_age_seconds", "For how long the oldest key that signs has done so.",
          s->oldest && s->oldest < now ? now - s->oldest : 0);
    gauge(w, "assay_signing_key_next_step_seconds",
          "Time until a signing key is published or begins to sign; below 0: it is late.", s->next ? s->next - now : 0);
    gauge(w, "assay_signing_keys_published", "Keys that are listed and do not sign yet.", (int64_t)s->waiting);
    gauge(w, "assay_signing_keys_overdue", "Keys that should have been published, or signed, an hour ago.",
          (int64_t)s->overdue);
    head(w, steps, "counter", "Steps of signing keys that this node took, by what came of it.");
    wr_printf(w, "%s{step=\"published\"} %lu\n%s{step=\"signing\"} %lu\n%s{step=\"failed\"} %lu\n", steps, s->published,
              steps, s->switched, steps, s->failed);
}
