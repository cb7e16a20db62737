#include "evidence/parts/ima_log.h"

#include "base/text.h"

enum { TEMPLATE_NAME_MAX = 32 };

bool ima_violation(const struct ima_entry *e)
{
    return bytes_all_zero(e->hash);
}

bool ima_hash_holds(const struct ima_entry *e)
{
    uint8_t made[SHA1_SIZE];

    digest_parts(DIGEST_SHA1, &e->data, 1, made);
    return ima_violation(e) || bytes_equal(e->hash, BYTES_OF(made));
}

/* ----------------------------------------------------------------------------------------------------------- binary */

static struct bytes sized(struct reader *r)
{
    return rd_take(r, rd_u32le(r));
}

struct bytes ima_field(const struct ima_entry *e, unsigned n)
{
    struct reader r = rd_open(e->data);
    struct bytes field = BYTES_NONE;

    if (bytes_is(e->template, "ima"))
        return BYTES_NONE;
    for (unsigned i = 0; i <= n; i++)
        field = sized(&r);
    return rd_ok(&r) ? field : BYTES_NONE;
}

/* Template "ima" has no lengths in what is hashed: the digest, then the name filled with zeros. */
static bool read_legacy(struct arena *a, struct reader *r, struct ima_entry *e)
{
    struct bytes digest = rd_take(r, SHA1_SIZE);
    uint8_t *data = arena_alloc(a, SHA1_SIZE + IMA_LEGACY_NAME);

    e->name = sized(r);
    if (!rd_ok(r) || e->name.n >= IMA_LEGACY_NAME)
        return false;
    memcpy(data, digest.p, SHA1_SIZE);
    if (e->name.n)
        memcpy(data + SHA1_SIZE, e->name.p, e->name.n);
    e->data = bytes_make(data, SHA1_SIZE + IMA_LEGACY_NAME);
    return true;
}

/* Digest, then the name, in every template that has both. */
static bool read_fields(struct reader *r, struct ima_entry *e)
{
    e->data = sized(r);
    struct reader fields = rd_open(e->data);
    sized(&fields);
    e->name = bytes_trim_nul(sized(&fields));
    while (rd_ok(&fields) && rd_left(&fields))
        sized(&fields);
    return rd_ok(r) && rd_end(&fields);
}

static bool read_entry(struct arena *a, struct reader *r, struct ima_entry *e)
{
    e->pcr = rd_u32le(r);
    e->hash = rd_take(r, SHA1_SIZE);
    uint32_t size = rd_u32le(r);
    if (size == 0 || size > TEMPLATE_NAME_MAX)
        return false;
    e->template = rd_take(r, size);
    if (!rd_ok(r) || e->pcr >= EVENT_LOG_REGISTERS)
        return false;
    return bytes_is(e->template, "ima") ? read_legacy(a, r, e) : read_fields(r, e);
}

static bool read_binary(struct arena *a, struct bytes text, struct ima_log *out, struct fault *fault)
{
    struct reader r = rd_open(text);
    struct ima_entry *entries = NULL;
    size_t cap = 0;

    while (rd_left(&r)) {
        struct ima_entry e = {0};

        if (out->count == LIMIT_IMA_ENTRIES)
            return fault_set(fault, FAULT_LIMIT, "the list has more than %d entries", LIMIT_IMA_ENTRIES);
        if (!read_entry(a, &r, &e))
            return fault_set(fault, FAULT_SYNTAX, "entry %zu: its lengths do not fit", out->count);
        entries = ARENA_ROOM(a, entries, out->count, &cap);
        entries[out->count++] = e;
        out->violations += ima_violation(&e);
    }
    out->entries = entries;
    return out->count > 0 || fault_set(fault, FAULT_SYNTAX, "the list is empty");
}

/* As text an entry begins with its register in decimal; as bytes there are zeros behind a small one. */
bool ima_log_read(struct arena *a, struct bytes text, struct ima_log *out, struct fault *fault)
{
    *out = (struct ima_log){0};
    if (text.n > LIMIT_EVENT_LOG)
        return fault_set(fault, FAULT_LIMIT, "the list has more than %d bytes", LIMIT_EVENT_LOG);
    bool is_text = text.n && text.p[0] >= '0' && text.p[0] <= '9';
    return is_text ? ima_text_read(a, text, out, fault) : read_binary(a, text, out, fault);
}

/* ----------------------------------------------------------------------------------------------------------- replay */

void ima_log_step(const struct ima_entry *e, enum digest_alg alg, bool padded, struct event_registers *r)
{
    uint8_t made[DIGEST_MAX] = {0};

    if (ima_violation(e))
        memset(made, 0xff, padded ? SHA1_SIZE : sizeof made);
    else if (alg == DIGEST_SHA1 || padded)
        memcpy(made, e->hash.p, SHA1_SIZE);
    else
        digest_parts(alg, &e->data, 1, made);
    event_registers_extend(r, alg, e->pcr, bytes_make(made, r->size));
}

void ima_log_replay(const struct ima_log *log, enum digest_alg alg, bool padded, struct event_registers *r)
{
    r->size = digest_size(alg);
    for (size_t i = 0; i < log->count; i++)
        ima_log_step(&log->entries[i], alg, padded, r);
}
