#include "evidence/azure_guest_claims.h"

#include "base/text.h"

enum { BOTH = CLAIM_POLICY | CLAIM_TOKEN };

static bool is_windows(const struct guest_evidence *e)
{
    return bytes_is_nocase(e->request.os_type, "Windows");
}

/* Known to be so by what was measured? Where Windows did not say it, the registers in which it would have must have been quoted, or
 * leaving them out would switch debuggers off. Other systems know none of these; that it is another one must show by who let it start,
 * not by what the request calls it. */
static bool disabled(const struct guest_evidence *e, const struct boot_facts *f, enum fact fact)
{
    bool another = !is_windows(e) && f->other_system;

    return e->measured.count && (fact == FACT_FALSE || (fact == FACT_ABSENT && (f->whole || another)));
}

static bool enabled(enum fact fact)
{
    return fact == FACT_TRUE || fact == FACT_MIXED;
}

static bool reference(struct exam *x, enum reference_list list, struct bytes variable)
{
    return variable.p && reference_has(x->settings->reference, list, sha256_of(x->arena, variable));
}

static void secure_boot_claims(struct exam *x, const struct boot_facts *f)
{
    bool db = reference(x, REFERENCE_SECURE_BOOT_DB, f->db);

    claims_boolean(&x->incoming, "secureboot", f->secure_boot_on, BOTH);
    claims_boolean(&x->incoming, "x-ms-azurevm-dbvalidated", db, BOTH);
    claims_boolean(&x->incoming, "x-ms-azurevm-dbxvalidated", reference(x, REFERENCE_SECURE_BOOT_DBX, f->dbx), BOTH);
    claims_boolean(
        &x->incoming, "x-ms-azurevm-default-securebootkeysvalidated",
        db && reference(x, REFERENCE_SECURE_BOOT_PK, f->pk) && reference(x, REFERENCE_SECURE_BOOT_KEK, f->kek), BOTH);
}

static void boot_claims(struct exam *x, const struct guest_evidence *e, const struct boot_facts *f)
{
    const struct {
        const char *name;
        enum fact fact;
    } switches[] = {{"x-ms-azurevm-bootdebug-enabled", f->boot_debugging},
                    {"x-ms-azurevm-kerneldebug-enabled", f->kernel_debug},
                    {"x-ms-azurevm-hypervisordebug-enabled", f->hypervisor_debug},
                    {"x-ms-azurevm-testsigning-enabled", f->test_signing},
                    {"x-ms-azurevm-flightsigning-enabled", f->flight_signing},
                    {"x-ms-azurevm-elam-enabled", f->elam}};

    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        claims_boolean(&x->incoming, switches[i].name, enabled(switches[i].fact), BOTH);
    claims_boolean(&x->incoming, "x-ms-azurevm-debuggersdisabled",
                   disabled(e, f, f->boot_debugging) && disabled(e, f, f->kernel_debug) &&
                       disabled(e, f, f->hypervisor_debug),
                   BOTH);
    claims_boolean(&x->incoming, "x-ms-azurevm-signingdisabled",
                   disabled(e, f, f->test_signing) && disabled(e, f, f->flight_signing), BOTH);
    claims_integer(&x->incoming, "x-ms-azurevm-hvci-policy",
                   f->hvci_policy <= INT64_MAX ? (int64_t)f->hvci_policy : INT64_MAX, BOTH);
}

static void system_claims(struct exam *x, const struct guest_evidence *e)
{
    const struct guest_request *r = &e->request;

    claims_text(&x->incoming, "x-ms-azurevm-attestation-protocol-ver", r->protocol, BOTH);
    claims_boolean(&x->incoming, "x-ms-azurevm-is-windows", is_windows(e), BOTH);
    claims_text(&x->incoming, "x-ms-azurevm-osbuild", r->os_build, BOTH);
    claims_text(&x->incoming, "x-ms-azurevm-osdistro", r->os_distro, BOTH);
    claims_text(&x->incoming, "x-ms-azurevm-ostype", r->os_type, BOTH);
    claims_integer(&x->incoming, "x-ms-azurevm-osversion-major", r->os_major, BOTH);
    claims_integer(&x->incoming, "x-ms-azurevm-osversion-minor", r->os_minor, BOTH);
    /* Azure's paravisor alone is believed to know it: any other may bind what it likes, and a Trusted Launch VM has none. */
    if (e->runtime.vm_id.n && e->azure)
        claims_text(&x->incoming, "x-ms-azurevm-vmid", e->runtime.vm_id, BOTH);
}

/* Those that were quoted; without a log nothing says how they came about, and none is attested. */
static void pcr_claims(struct exam *x, const struct guest_evidence *e)
{
    struct arena *a = x->arena;
    struct json *list = json_new(a, JSON_ARRAY), *values = json_new(a, JSON_OBJECT);
    uint32_t mask = e->measured.count ? e->request.pcr_set : 0;

    for (unsigned i = 0; i < TPM_PCRS; i++) {
        if (!(mask >> i & 1))
            continue;
        json_append(list, json_new_integer(a, i));
        json_set(values, bytes_text(arena_printf(a, "pcr%u", i)),
                 json_new_text(a, base64_encode(a, e->quote.pcrs.banks[0].value[i])));
    }
    claims_json(&x->incoming, "x-ms-azurevm-attested-pcrs", list, CLAIM_TOKEN);
    if (x->settings->claim_recent)
        claims_json(&x->incoming, "x-ms-azurevm-attested-pcr-values", values, CLAIM_TOKEN);
}

/* {"client-payload": as sent, "keys": [the ephemeral key]}. */
static void runtime_claim(struct exam *x, const struct guest_evidence *e)
{
    struct arena *a = x->arena;
    const struct public_key *key = &e->ephemeral.object.key;
    struct json *runtime = json_new(a, JSON_OBJECT), *keys = json_new(a, JSON_ARRAY), *jwk = json_new(a, JSON_OBJECT);
    struct json *uses = json_new(a, JSON_ARRAY);

    json_append(uses, json_new_text(a, BYTES_LIT("encrypt")));
    JSON_SET(jwk, "e", json_new_text(a, base64url_encode(a, key->exponent)));
    JSON_SET(jwk, "key_ops", uses);
    JSON_SET(jwk, "kid", json_new_text(a, BYTES_LIT("TpmEphemeralEncryptionKey")));
    JSON_SET(jwk, "kty", json_new_text(a, BYTES_LIT("RSA")));
    JSON_SET(jwk, "n", json_new_text(a, base64url_encode(a, key->modulus)));
    json_append(keys, jwk);
    if (e->request.client_payload)
        JSON_SET(runtime, "client-payload", json_link(a, e->request.client_payload));
    JSON_SET(runtime, "keys", keys);
    claims_json(&x->incoming, "x-ms-runtime", runtime, CLAIM_TOKEN);
}

/* Policies see the hardware's claims under their own names where the VM has none of that name, and the object as text
 * (claims.md 6). */
static void isolation_claims(struct exam *x, const struct guest_evidence *e)
{
    struct json *object = claims_object(x->arena, &e->isolation, CLAIM_TOKEN);
    const struct claim *type = claims_find(&e->isolation, BYTES_LIT("x-ms-attestation-type"));

    JSON_SET(object, "x-ms-attestation-type", json_new_text(x->arena, type->value.text));
    claims_json(&x->incoming, "x-ms-isolation-tee", object, CLAIM_TOKEN);
    claims_text(&x->incoming, "x-ms-isolation-tee", json_print(x->arena, object, JSON_SORTED), CLAIM_POLICY);
    for (size_t i = 0; i < e->isolation.n; i++) {
        struct claim claim = e->isolation.v[i];

        if (!(claim.flags & CLAIM_POLICY) || claims_find(&x->incoming, claim.type))
            continue;
        claim.flags = CLAIM_POLICY;
        claims_add(&x->incoming, claim);
    }
}

void guest_claims(struct exam *x, const struct guest_evidence *e)
{
    struct boot_facts facts;

    boot_facts_read(&e->measured, DIGEST_SHA256, e->request.pcr_set, x->settings->reference, &facts);
    claims_text(&x->incoming, "x-ms-attestation-type", BYTES_LIT("azurevm"), CLAIM_POLICY);
    secure_boot_claims(x, &facts);
    boot_claims(x, e, &facts);
    system_claims(x, e);
    pcr_claims(x, e);
    runtime_claim(x, e);
    if (e->request.isolation != GUEST_TRUSTED_LAUNCH)
        isolation_claims(x, e);
}
