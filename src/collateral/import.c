/* A bundle into a folder: what makes it fit to replace what is there, and the memory of the last one. */
#include "base/clock.h"
#include "base/text.h"
#include "collateral/bundle.h"

#define MEMORY ".bundle"
enum { MEMORY_MOST = 4096, AHEAD_MOST = 24 * 3600 /* seconds by which clocks of two sites may differ */ };

static bool member_digest(const struct json *o, const char *name, uint8_t out[SHA256_SIZE])
{
    struct bytes hex;

    return json_text(json_member(o, name), &hex) && hex_decode_exact(hex, out, SHA256_SIZE);
}

bool bundle_memory_read(struct folder *f, struct arena *a, struct bundle_memory *out, struct fault *fault)
{
    const struct json *o;
    struct bytes text, time;

    *out = (struct bundle_memory){0};
    if (!folder_read(f, a, MEMORY, MEMORY_MOST, &text, fault))
        return false;
    if (text.n == 0)
        return true;
    /* A memory that cannot be read must not count as none: an older bundle would pass. */
    bool ok = json_parse(a, text, NULL, &o, NULL) &&
              json_unsigned(json_member(o, "sequence"), INT64_MAX, &out->sequence) &&
              json_text(json_member(o, "time"), &time) && time_parse(time, &out->time) &&
              member_digest(o, "manifest", out->digest);
    out->was_signed = ok && json_member(o, "key");
    if (ok && (!out->was_signed || member_digest(o, "key", out->signer)))
        return true;
    return fault_set(fault, FAULT_SYSTEM,
                     "%s/" MEMORY ", the memory of the last bundle, cannot be read; remove it to begin anew", f->path);
}

static struct bytes memory_of(struct arena *a, const struct bundle *b)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct writer w = wr_open(a);
    char time[32];

    time_format(b->time, time);
    JSON_SET(o, "sequence", json_new_integer(a, (int64_t)b->sequence));
    JSON_SET(o, "time", json_new_text(a, arena_copy(a, bytes_text(time))));
    if (b->is_signed)
        JSON_SET(o, "key", json_new_text(a, hex_encode(a, BYTES_OF(b->signer))));
    JSON_SET(o, "manifest", json_new_text(a, hex_encode(a, BYTES_OF(b->digest))));
    wr_json_pretty(&w, o, JSON_IN_ORDER);
    wr_u8(&w, '\n');
    return wr_done(&w);
}

static bool refused(struct fault *fault, const char *why)
{
    return fault_set(fault, FAULT_USAGE, "%s", why);
}

static bool judge_signer(const struct bundle *b, const struct bundle_memory *last, const struct import_rules *rules,
                         struct fault *fault)
{
    const uint8_t *wanted = rules->trusted ? rules->trusted : last->was_signed ? last->signer : NULL;

    if (!wanted)
        return true;
    if (!b->is_signed)
        return refused(fault, rules->trusted ? "the bundle is not signed"
                                             : "the bundle is not signed, but the last one of this folder was");
    if (memcmp(b->signer, wanted, SHA256_SIZE) == 0)
        return true;
    return refused(fault, rules->trusted
                              ? "the bundle is signed by another key than the one that is trusted"
                              : "the bundle is signed by another key than the last one of this folder; name the new "
                                "key to trust it");
}

static bool judge_age(const struct bundle *b, const struct bundle_memory *last, const struct import_rules *rules,
                      struct fault *fault)
{
    if (b->time > rules->now + AHEAD_MOST)
        return refused(fault, "the bundle says it was made in the future: is a clock wrong?");
    if (b->sequence < last->sequence || (last->sequence && b->time < last->time))
        return fault_set(fault, FAULT_USAGE,
                         "the bundle is older (number %llu) than the last one of this folder (number %llu)",
                         (unsigned long long)b->sequence, (unsigned long long)last->sequence);
    if (b->sequence == last->sequence && memcmp(b->digest, last->digest, SHA256_SIZE) != 0)
        return fault_set(fault, FAULT_USAGE, "another bundle of number %llu was imported into this folder",
                         (unsigned long long)last->sequence);
    return true;
}

static bool judge_objects(const struct bundle *b, const struct import_rules *rules, const struct folder_result *results,
                          struct fault *fault)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct folder_result *r = &results[i];

        if (r->outcome == FOLDER_REFUSED)
            return fault_set(fault, FAULT_USAGE, "%s: %s", b->objects[i].name, r->why);
        if (!r->name || strcmp(r->name, b->objects[i].name) != 0)
            return fault_set(fault, FAULT_USAGE, "%s: its content is not what its name says", b->objects[i].name);
        if (r->outcome == FOLDER_NEWER && !rules->keep_newer)
            return fault_set(fault, FAULT_USAGE, "%s: %s", b->objects[i].name, r->why);
    }
    return true;
}

bool bundle_import(struct folder *f, struct arena *a, const struct bundle *b, const struct import_rules *rules,
                   struct folder_result *results, struct fault *fault)
{
    struct bundle_memory last;
    struct folder_entry *entries;
    const struct folder_trust trust = {rules->anchors, true}; /* who signed the bundle answers for which CRLs it has */
    struct bytes *contents = ARENA_ARRAY(a, struct bytes, b->count);
    size_t count;

    if (!bundle_memory_read(f, a, &last, fault) || !judge_signer(b, &last, rules, fault) ||
        !judge_age(b, &last, rules, fault))
        return false;
    for (size_t i = 0; i < b->count; i++)
        contents[i] = b->objects[i].content;
    if (!folder_offer(f, a, &trust, contents, b->count, results, &entries, &count, fault) ||
        !judge_objects(b, rules, results, fault))
        return false;
    struct folder_entry *all = ARENA_ARRAY(a, struct folder_entry, count + 1);
    for (size_t i = 0; i < count; i++)
        all[i] = entries[i];
    all[count] = (struct folder_entry){MEMORY, memory_of(a, b)};
    return folder_write(f, all, count + 1, fault);
}
