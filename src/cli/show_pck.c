/* What certificates of this trade hold besides X.509: Intel's PCK extension (sgx-tdx.md 4.4) and evidence (9.6). */
#include "cli/show_intel.h"

#include "base/text.h"
#include "crypto/der.h"

/* DER of OIDs, without tag and length. 1.2.840.113741.1.13.1 is the base of Intel's. */
#define OID_SGX "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"
enum { OID_SGX_SIZE = 9 };

struct entry {
    unsigned last; /* the number behind the base */
    struct bytes value;
    uint8_t tag;
};

/* SEQUENCE { OID, value }: *ok is false at the end or when it is of another form. `depth` numbers follow the base. */
static struct entry next_entry(struct reader *list, size_t depth, bool *ok)
{
    struct reader pair = der_enter(list, DER_SEQUENCE);
    struct bytes oid = der_take(&pair, DER_OID);
    struct entry e = {0};

    e.value = der_any(&pair, &e.tag, NULL);
    *ok = rd_end(&pair) && oid.n == OID_SGX_SIZE + depth && bytes_begin(oid, OID_SGX);
    e.last = *ok ? oid.p[oid.n - 1] : 0;
    return e;
}

static uint64_t small_number(struct bytes b)
{
    uint64_t v = 0;

    for (size_t i = 0; i < b.n && i < 8; i++)
        v = v << 8 | b.p[i];
    return v;
}

static void show_tcb(struct arena *a, struct json *o, struct bytes content)
{
    struct json *tcb = json_new(a, JSON_OBJECT), *components = json_new(a, JSON_ARRAY);
    struct reader list = rd_open(content);

    JSON_SET(tcb, "components", components);
    while (rd_left(&list)) {
        bool ok;
        struct entry e = next_entry(&list, 2, &ok);

        if (!ok)
            break;
        if (e.last <= 16)
            json_append(components, json_new_integer(a, (int64_t)small_number(e.value)));
        else if (e.last == 17)
            show_number(a, tcb, "pcesvn", (int64_t)small_number(e.value));
        else if (e.last == 18)
            show_hex(a, tcb, "cpusvn", e.value);
    }
    show_tree(o, "tcb", tcb);
}

static void show_configuration(struct arena *a, struct json *o, struct bytes content)
{
    static const char *const names[] = {"", "dynamic_platform", "cached_keys", "smt_enabled"};
    struct json *config = json_new(a, JSON_OBJECT);
    struct reader list = rd_open(content);

    while (rd_left(&list)) {
        bool ok;
        struct entry e = next_entry(&list, 2, &ok);

        if (!ok)
            break;
        if (e.last >= 1 && e.last <= 3)
            show_flag(a, config, names[e.last], e.value.n && e.value.p[0]);
    }
    show_tree(o, "configuration", config);
}

static void show_entry(struct arena *a, struct json *o, const struct entry *e)
{
    static const char *const types[] = {"standard", "scalable", "scalable with integrity"};
    uint64_t n = small_number(e->value);

    switch (e->last) {
    case 1: show_hex(a, o, "ppid", e->value); break;
    case 2: show_tcb(a, o, e->value); break;
    case 3: show_hex(a, o, "pceid", e->value); break;
    case 4: show_hex(a, o, "fmspc", e->value); break;
    case 5: show_string(a, o, "sgx_type", n < 3 ? types[n] : arena_printf(a, "%llu", (unsigned long long)n)); break;
    case 6: show_hex(a, o, "platform_instance_id", e->value); break;
    case 7: show_configuration(a, o, e->value); break;
    default: show_hex(a, o, arena_printf(a, "entry_%u", e->last), e->value);
    }
}

void show_pck_extension(struct arena *a, struct json *o, const struct certificate *c)
{
    struct json *pck = json_new(a, JSON_OBJECT);
    bool seen[256] = {false};
    struct reader outer, list;
    struct bytes value;

    if (!certificate_extension(c, bytes_make(OID_SGX, OID_SGX_SIZE), &value))
        return;
    outer = rd_open(value);
    list = der_enter(&outer, DER_SEQUENCE);
    while (rd_left(&list)) {
        bool ok;
        struct entry e = next_entry(&list, 1, &ok);

        if (!ok || seen[e.last & 0xff]) {
            show_string(a, pck, "unreadable", "an entry is not of the documented form");
            break;
        }
        seen[e.last & 0xff] = true;
        show_entry(a, pck, &e);
    }
    show_tree(o, "pck", pck);
}

/* In the order in which Open Enclave looks. */
void show_certificate_evidence(struct arena *a, struct json *o, const struct certificate *c)
{
    static const struct bytes oids[] = {
        BYTES_LIT("\x2a\x86\x48\x86\xf7\x14\x0a\x01\x01"), /* 1.2.840.113556.10.1.1: report, or a quote in DER */
        BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x01"), /* 1.3.6.1.4.1.311.105.1: report */
        BYTES_LIT("\x2a\x86\x48\x86\xf7\x14\x0a\x01\x02"), /* 1.2.840.113556.10.1.2: evidence */
        BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x02"), /* 1.3.6.1.4.1.311.105.2: evidence */
    };
    struct bytes value;

    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
        struct fault fault = {0};
        struct json *evidence;
        struct reader r;

        if (!certificate_extension(c, oids[i], &value))
            continue;
        r = rd_open(value);
        if (der_next_is(&r, DER_OCTET_STRING)) {
            struct bytes inner = der_take(&r, DER_OCTET_STRING);

            if (rd_end(&r))
                value = inner;
        }
        evidence = recognise_evidence(a, value) == KIND_SGX ? show_quote(a, value, &fault) : show_oe(a, value, &fault);
        if (!evidence)
            evidence = json_new_text(a, bytes_text(arena_printf(a, "unreadable: %s", fault.text)));
        show_tree(o, "evidence", evidence);
        return;
    }
}
