#include "witness/ask.h"

#include "base/text.h"
#include "net/http.h"

enum { WORDS_SHOWN = 200 /* bytes of what a witness says to its refusal */ };

static bool send(const struct witness_order *o, uint64_t old, uint64_t size, struct arena *a,
                 struct http_answer *answer, struct fault *fault)
{
    struct submission s = {.old = old, .note = o->note};

    if (old && !o->prove(o->context, old, size, &s.path, fault))
        return false;
    const struct http_request request = {.url = arena_printf(a, "%s" SUBMISSION_PATH, o->url),
                                         .body = submission_write(a, &s),
                                         .content_type = "text/plain; charset=utf-8",
                                         .extra_ca_file = o->ca_file,
                                         .answer_limit = LOG_NOTE_MOST,
                                         .seconds = o->seconds ? o->seconds : WITNESS_SECONDS,
                                         .plain_local = true,
                                         .stop = o->stop};
    return http_send(&request, a, answer, fault);
}

/* The witness's line alone is taken over from what it answered. */
static enum witness_outcome take(const struct witness_order *o, struct arena *a, struct bytes lines,
                                 struct bytes *cosigned, struct fault *fault)
{
    struct bytes all, line, text;
    int64_t time;

    if (note_text(o->note, &text) && cosign_add(a, bytes_first(o->note, text.n + 1), lines, &all) &&
        cosign_line(a, all, &o->key, &line) && cosign_add(a, o->note, line, cosigned) &&
        cosign_verify(a, *cosigned, &o->key, &time))
        return WITNESS_COSIGNED;
    fault_set(fault, FAULT_CRYPTO, "%s: the answer is no cosignature by the witness's key", o->url);
    return WITNESS_FAILED;
}

static enum witness_outcome conflict(const struct witness_order *o, uint64_t size, uint64_t known, struct fault *fault)
{
    if (known > size)
        fault_set(fault, FAULT_CRYPTO,
                  "the witness %s has cosigned %llu entries of this log, which now has %llu: entries were taken away",
                  o->url, (unsigned long long)known, (unsigned long long)size);
    else
        fault_set(
            fault, FAULT_CRYPTO,
            "the witness %s has cosigned other entries of this log: what it has of %llu is not how this one begins",
            o->url, (unsigned long long)known);
    return WITNESS_REFUSED;
}

/* By what a witness answers to `old`; true: it is to be asked again, from *known. */
static bool judge(const struct witness_order *o, uint64_t old, uint64_t size, struct arena *a,
                  const struct http_answer *answer, struct bytes *cosigned, uint64_t *known,
                  enum witness_outcome *outcome, struct fault *fault)
{
    bool told = answer->status == 409 && submission_size_read(answer->body, known);

    *outcome = WITNESS_FAILED;
    if (answer->status == 200) {
        *outcome = take(o, a, answer->body, cosigned, fault);
        *known = *outcome == WITNESS_COSIGNED ? size : 0;
    } else if (told && *known <= size && *known != old) {
        return true;
    } else if (told || answer->status == 422 || (answer->status == 409 && old == size)) {
        *known = told ? *known : old;
        *outcome = conflict(o, size, *known, fault);
    } else {
        struct bytes words = text_clean(a, bytes_first(bytes_trim_end(answer->body), WORDS_SHOWN));

        *known = 0;
        fault_set(fault, FAULT_SYSTEM, "%s answers %d: %.*s", o->url, answer->status, (int)words.n,
                  (const char *)words.p);
    }
    return false;
}

enum witness_outcome witness_ask(const struct witness_order *o, struct arena *a, struct bytes *cosigned,
                                 uint64_t *known, struct fault *fault)
{
    enum witness_outcome outcome = WITNESS_FAILED;
    struct checkpoint c;
    struct bytes text;
    uint64_t old = o->old;

    *known = 0;
    if (!note_text(o->note, &text) || !checkpoint_parse(text, &c)) {
        fault_set(fault, FAULT_USAGE, "there is no checkpoint to be cosigned");
        return WITNESS_FAILED;
    }
    for (int tries = 0; tries < 2; tries++) {
        struct http_answer answer;

        if (old > c.size)
            old = c.size;
        if (!send(o, old, c.size, a, &answer, fault)) {
            *known = 0;
            return WITNESS_FAILED;
        }
        if (!judge(o, old, c.size, a, &answer, cosigned, known, &outcome, fault))
            return outcome;
        old = *known;
    }
    fault_set(fault, FAULT_SYSTEM, "%s: the witness told another size each time", o->url);
    return WITNESS_FAILED;
}
