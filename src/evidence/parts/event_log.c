#include "evidence/parts/event_log.h"

#include <pthread.h>

#include "base/text.h"

enum {
    ALG_SHA1 = 0x04,
    SIGNATURE_SIZE = 16, /* of the data of EV_NO_ACTION */
    EVENT_HEAD = 8,      /* register and type: less than that begins no event */
    FIRST_DYNAMIC = 17,  /* PCRs 17 to 22 belong to a dynamic launch and begin with ones (3.5) */
    LAST_DYNAMIC = 22,
    LOCALITY_HCRTM = 4,
    SECTION_NAME_MAX = 16, /* of a section in a PE image 8, of those that the stub knows 9 */
};

static const struct known_bank {
    uint16_t id;
    uint8_t size;
    bool known;
    enum digest_alg alg;
    const char *name;
} known_banks[] = {
    {ALG_SHA1, SHA1_SIZE, true, DIGEST_SHA1, "sha1"},   {0x0b, SHA256_SIZE, true, DIGEST_SHA256, "sha256"},
    {0x0c, SHA384_SIZE, true, DIGEST_SHA384, "sha384"}, {0x0d, SHA512_SIZE, true, DIGEST_SHA512, "sha512"},
    {0x12, 32, false, DIGEST_SHA256, "sm3_256"},        {0x27, 32, false, DIGEST_SHA256, "sha3_256"},
    {0x28, 48, false, DIGEST_SHA384, "sha3_384"},       {0x29, 64, false, DIGEST_SHA512, "sha3_512"},
};

static const struct known_bank *known_bank(uint16_t id)
{
    for (size_t i = 0; i < sizeof known_banks / sizeof *known_banks; i++)
        if (known_banks[i].id == id)
            return &known_banks[i];
    return NULL;
}

struct event_bank event_bank_of(uint16_t id)
{
    const struct known_bank *known = known_bank(id);

    if (!known)
        return (struct event_bank){.id = id};
    return (struct event_bank){.id = id, .size = known->size, .known = known->known, .alg = known->alg};
}

const char *event_bank_name(const struct event_bank *b)
{
    const struct known_bank *known = known_bank(b->id);

    return known ? known->name : "unknown";
}

const struct event_bank *event_log_bank(const struct event_log *log, enum digest_alg alg)
{
    for (size_t i = 0; i < log->bank_count; i++)
        if (log->banks[i].known && log->banks[i].alg == alg)
            return &log->banks[i];
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------- reading */

/* A log while it is read. */
struct walk {
    struct arena *arena;
    struct event_log *log;
    struct event *events;
    size_t cap, size; /* size: of the whole text */
    struct reader r;
    struct fault *fault;
};

static bool bad(const struct walk *w, const char *what)
{
    return fault_set(w->fault, FAULT_SYNTAX, "event %zu, at byte %zu: %s", w->log->count, w->size - rd_left(&w->r),
                     what);
}

static bool add_bank(const struct walk *w, uint16_t id, uint16_t size)
{
    const struct known_bank *known = known_bank(id);

    if (known ? known->size != size : size == 0 || size > DIGEST_MAX)
        return bad(w, "the header gives a digest algorithm a size that it does not have");
    for (size_t i = 0; i < w->log->bank_count; i++)
        if (w->log->banks[i].id == id)
            return bad(w, "the header names a digest algorithm twice");
    w->log->banks[w->log->bank_count++] = (struct event_bank){
        .id = id, .size = size, .known = known && known->known, .alg = known ? known->alg : DIGEST_SHA256};
    return true;
}

/* TCG_EfiSpecIdEvent. What the vendor added is not looked at; some do not count it into the event. */
static bool read_banks(const struct walk *w, struct bytes data)
{
    struct reader r = rd_open(bytes_after(data, SIGNATURE_SIZE));

    rd_skip(&r, 8); /* platform class, version of the specification, size of UINTN */
    uint32_t count = rd_u32le(&r);
    if (count == 0 || count > EVENT_LOG_BANKS)
        return bad(w, "the header names no digest algorithm, or too many");
    for (uint32_t i = 0; i < count; i++) {
        uint16_t id = rd_u16le(&r), size = rd_u16le(&r);

        if (!rd_ok(&r))
            return bad(w, "the header ends within its digest algorithms");
        if (!add_bank(w, id, size))
            return false;
    }
    return true;
}

static void note_start(struct event_log *log, const struct event *e)
{
    if (e->type == EV_EFI_HCRTM_EVENT)
        log->hcrtm = true;
    if (e->type != EV_NO_ACTION || log->has_locality ||
        !bytes_equal(bytes_first(e->data, SIGNATURE_SIZE), BYTES_LIT("StartupLocality\0")))
        return;
    struct reader r = rd_open(bytes_after(e->data, SIGNATURE_SIZE));
    log->locality = rd_u8(&r);
    log->has_locality = rd_ok(&r);
}

static bool keep(struct walk *w, const struct event *e)
{
    if (w->log->count == LIMIT_EVENTS)
        return fault_set(w->fault, FAULT_LIMIT, "the log has more than %d events", LIMIT_EVENTS);
    w->events = ARENA_ROOM(w->arena, w->events, w->log->count, &w->cap);
    w->events[w->log->count++] = *e;
    note_start(w->log, e);
    return true;
}

static bool read_data(struct walk *w, struct event *e)
{
    uint32_t size = rd_u32le(&w->r);

    if (size > LIMIT_EVENT)
        return bad(w, "its data are larger than any event's");
    e->data = rd_take(&w->r, size);
    return rd_ok(&w->r) || bad(w, "it is longer than the log");
}

/* TCG_PCClientPCREvent. */
static bool read_sha1_event(struct walk *w)
{
    struct event e = {.reg = rd_u32le(&w->r), .type = rd_u32le(&w->r)};
    struct bytes *digest = ARENA_NEW(w->arena, struct bytes);

    *digest = rd_take(&w->r, SHA1_SIZE);
    e.digests = digest;
    return read_data(w, &e) && keep(w, &e);
}

static struct bytes *digest_slot(const struct walk *w, struct bytes *digests, uint16_t id)
{
    for (size_t i = 0; i < w->log->bank_count; i++)
        if (w->log->banks[i].id == id)
            return &digests[i];
    return NULL;
}

/* TCG_PCR_EVENT2. */
static bool read_agile_event(struct walk *w)
{
    struct event e = {.reg = rd_u32le(&w->r), .type = rd_u32le(&w->r)};
    struct bytes *digests = ARENA_ARRAY(w->arena, struct bytes, w->log->bank_count);
    uint32_t count = rd_u32le(&w->r);

    if (!rd_ok(&w->r) || count == 0 || count > w->log->bank_count)
        return bad(w, "it has no digests, or more than the header names");
    for (uint32_t i = 0; i < count; i++) {
        struct bytes *slot = digest_slot(w, digests, rd_u16le(&w->r));

        if (!slot || slot->p)
            return bad(w, "a digest of an algorithm that the header does not name, or a second one of the same");
        *slot = rd_take(&w->r, w->log->banks[slot - digests].size);
    }
    e.digests = digests;
    return read_data(w, &e) && keep(w, &e);
}

/* A buffer may be larger than its log: filled with zeros or ones, or too little for an event. */
static bool at_end(const struct walk *w)
{
    struct reader rest = w->r;
    struct bytes left = rd_rest(&rest);

    if (left.n < EVENT_HEAD || bytes_all_zero(left))
        return true;
    for (size_t i = 0; i < EVENT_HEAD; i++)
        if (left.p[i] != 0xff)
            return false;
    return true;
}

static bool is_header(const struct event *e)
{
    return e->type == EV_NO_ACTION && bytes_equal(bytes_first(e->data, SIGNATURE_SIZE), BYTES_LIT("Spec ID Event03\0"));
}

bool event_log_read(struct arena *a, struct bytes text, struct event_log *out, struct fault *fault)
{
    struct walk w = {.arena = a, .log = out, .size = text.n, .r = rd_open(text), .fault = fault};

    *out = (struct event_log){.banks = {{ALG_SHA1, SHA1_SIZE, true, DIGEST_SHA1}}, .bank_count = 1};
    if (text.n > LIMIT_EVENT_LOG)
        return fault_set(fault, FAULT_LIMIT, "the log has more than %d bytes", LIMIT_EVENT_LOG);
    if (at_end(&w))
        return bad(&w, "nothing but padding");
    if (!read_sha1_event(&w))
        return false;
    out->agile = is_header(&w.events[0]);
    if (out->agile) {
        struct bytes header = w.events[0].data;

        out->bank_count = 0;
        w.events[0].digests = NULL; /* in a form of its own, and of nothing that is extended */
        if (!read_banks(&w, header))
            return false;
    }
    while (!at_end(&w))
        if (!(out->agile ? read_agile_event(&w) : read_sha1_event(&w)))
            return false;
    out->events = w.events;
    out->tail = rd_rest(&w.r);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- replay */

bool event_extends(const struct event *e)
{
    return e->type != EV_NO_ACTION && e->type != EV_DRTM_NO_ACTION && e->reg < EVENT_LOG_REGISTERS && e->digests;
}

void event_registers_extend(struct event_registers *r, enum digest_alg alg, uint32_t reg, struct bytes digest)
{
    struct bytes parts[] = {bytes_make(r->value[reg], r->size), digest};

    digest_parts(alg, parts, 2, r->value[reg]);
    r->told[reg] = true;
}

bool event_register_dynamic(uint32_t reg)
{
    return reg >= FIRST_DYNAMIC && reg <= LAST_DYNAMIC;
}

void event_registers_reset(struct event_registers *r, enum digest_alg alg)
{
    *r = (struct event_registers){.size = digest_size(alg)};
    for (int i = FIRST_DYNAMIC; i <= LAST_DYNAMIC; i++)
        memset(r->value[i], 0xff, r->size);
}

/* A dynamic launch sets its registers to zero before it extends the first of them; nothing else can extend them. */
static void launch(struct event_registers *r)
{
    for (int i = FIRST_DYNAMIC; i <= LAST_DYNAMIC; i++)
        memset(r->value[i], 0, r->size);
    r->launched = true;
}

/* Of several logs only the first can tell where the TPM was started from. */
void event_log_start(const struct event_log *log, struct event_registers *r)
{
    if ((!log->hcrtm && !log->has_locality) || r->told[0])
        return;
    r->told[0] = true;
    r->value[0][r->size - 1] = log->hcrtm ? LOCALITY_HCRTM : log->locality;
}

bool event_log_step(const struct event_log *log, const struct event_bank *bank, size_t event, struct event_registers *r)
{
    const struct event *e = &log->events[event];

    if (!event_extends(e))
        return false;
    if (event_register_dynamic(e->reg) && !r->launched)
        launch(r);
    struct bytes digest = e->digests[bank - log->banks];
    if (digest.p)
        event_registers_extend(r, bank->alg, e->reg, digest);
    else
        r->incomplete[e->reg] = true;
    return true;
}

void event_log_replay(const struct event_log *log, const struct event_bank *bank, struct event_registers *out)
{
    event_registers_reset(out, bank->alg);
    event_log_start(log, out);
    for (size_t i = 0; i < log->count; i++)
        event_log_step(log, bank, i, out);
}

/* ------------------------------------------------------------------------------------------------- data and digest */

const uint8_t uefi_guid_global[UEFI_GUID_SIZE] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                                  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
const uint8_t uefi_guid_image_security[UEFI_GUID_SIZE] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                                          0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};

bool uefi_variable_read(struct bytes data, struct uefi_variable *out)
{
    struct reader r = rd_open(data);

    out->guid = rd_take(&r, UEFI_GUID_SIZE);
    uint64_t characters = rd_u64le(&r), size = rd_u64le(&r);
    if (!rd_ok(&r) || characters > rd_left(&r) / 2)
        return false;
    out->name = rd_take(&r, (size_t)characters * 2);
    out->value = rd_rest(&r);
    return size == out->value.n;
}

bool uefi_variable_named(const struct uefi_variable *v, const char *name)
{
    struct reader r = rd_open(v->name);

    for (const char *c = name; *c; c++)
        if (rd_u16le(&r) != (uint16_t)*c)
            return false;
    return rd_end(&r) || (rd_u16le(&r) == 0 && rd_end(&r));
}

/* The value of a variable alone, without its name: EV_EFI_VARIABLE_BOOT of most firmware. */
static struct bytes variable_value(struct bytes data)
{
    struct uefi_variable v;

    return uefi_variable_read(data, &v) ? v.value : BYTES_NONE;
}

/* GRUB writes what it did behind a word and hashes the rest, without the NUL at the end (3.6). */
static struct bytes grub_text(struct bytes data)
{
    static const char *const words[] = {"grub_cmd: ", "kernel_cmdline: ", "module_cmdline: "};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (bytes_begin(data, words[i]))
            return bytes_trim_nul(bytes_after(data, strlen(words[i])));
    static const char *const old_words[] = {"grub_cmd ", "grub_kernel_cmdline "};
    for (size_t i = 0; i < sizeof old_words / sizeof *old_words; i++)
        if (bytes_begin(data, old_words[i]))
            return bytes_after(data, strlen(old_words[i])); /* older ones with it */
    return BYTES_NONE;
}

static bool digest_is(const struct event_bank *bank, struct bytes digest, struct bytes of)
{
    uint8_t made[DIGEST_MAX];

    digest_parts(bank->alg, &of, 1, made);
    return bytes_equal(digest, bytes_make(made, bank->size));
}

/* The stub of systemd measures a section's name in ASCII, with its NUL, and writes it in UTF-16 (3.6). */
static bool section_name(const struct event_bank *bank, struct bytes digest, struct bytes data)
{
    char name[SECTION_NAME_MAX + 1];
    struct reader r = rd_open(data);
    size_t n = 0;

    while (rd_left(&r) && n < sizeof name) {
        uint16_t c = rd_u16le(&r);

        if (c > 0x7e || !rd_ok(&r))
            return false;
        name[n++] = (char)c;
        if (c == 0)
            return rd_end(&r) && digest_is(bank, digest, bytes_make(name, n));
    }
    return false;
}

bool event_data_measured(const struct event_log *log, const struct event *e, const struct event_bank *bank)
{
    struct bytes part = BYTES_NONE;

    if (!event_extends(e) || !bank->known || !e->digests[bank - log->banks].p)
        return false;
    struct bytes digest = e->digests[bank - log->banks];
    if (digest_is(bank, digest, e->data))
        return true;
    if (e->type == EV_EFI_VARIABLE_BOOT)
        part = variable_value(e->data);
    else if (e->type == EV_EFI_VARIABLE_AUTHORITY && e->data.n)
        part = bytes_first(e->data, e->data.n - 1); /* shim's */
    else if (e->type == EV_IPL)
        part = grub_text(e->data);
    if (e->type == EV_IPL && section_name(bank, digest, e->data))
        return true;
    return part.p && digest_is(bank, digest, part);
}

/* -------------------------------------------------------------------------------------------------------- separators */

static struct event_separators made_separators[DIGEST_SHA512 + 1];

static void make_separators(void)
{
    static const struct bytes data[EVENT_SEPARATORS] = {
        {(const uint8_t *)"\0\0\0\0", 4}, {(const uint8_t *)"\xff\xff\xff\xff", 4}, {(const uint8_t *)"WBCL", 4}};

    for (enum digest_alg alg = DIGEST_SHA1; alg <= DIGEST_SHA512; alg++) {
        made_separators[alg].size = digest_size(alg);
        for (size_t i = 0; i < EVENT_SEPARATORS; i++)
            digest_parts(alg, &data[i], 1, made_separators[alg].digest[i]);
    }
}

const struct event_separators *event_separators_of(enum digest_alg alg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_separators);
    return &made_separators[alg];
}

bool event_separates(const struct event_log *log, const struct event *e, const struct event_bank *bank,
                     const struct event_separators *s)
{
    if (!event_extends(e))
        return false;
    struct bytes digest = e->digests[bank - log->banks];
    for (size_t i = 0; i < EVENT_SEPARATORS && digest.n; i++)
        if (digest.p[0] == s->digest[i][0] && bytes_equal(digest, bytes_make(s->digest[i], s->size)))
            return true;
    return false;
}
