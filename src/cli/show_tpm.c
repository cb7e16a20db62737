#include "cli/show_tpm.h"

#include "base/text.h"
#include "cli/show_log.h"
#include "evidence/parts/tpm_attestation.h"

/* TPM_ALG_ID, as far as they stand in keys and signatures. */
static const char *algorithm(struct arena *a, uint16_t id)
{
    static const struct {
        uint16_t id;
        const char *name;
    } names[] = {
        {0x0001, "rsa"},      {0x0004, "sha1"},   {0x0006, "aes"},       {0x0008, "keyedhash"}, {0x000b, "sha256"},
        {0x000c, "sha384"},   {0x000d, "sha512"}, {0x0010, "null"},      {0x0012, "sm3_256"},   {0x0014, "rsassa"},
        {0x0015, "rsaes"},    {0x0016, "rsapss"}, {0x0017, "oaep"},      {0x0018, "ecdsa"},     {0x001a, "ecdaa"},
        {0x001b, "sm2"},      {0x0023, "ecc"},    {0x0025, "symcipher"}, {0x0027, "sha3_256"},  {0x0028, "sha3_384"},
        {0x0029, "sha3_512"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].id == id)
            return names[i].name;
    return arena_printf(a, "0x%04x", id);
}

static void show_key(struct arena *a, struct json *o, const struct public_key *key)
{
    if (key->kind == KEY_NONE)
        return;
    if (key->kind == KEY_RSA) {
        show_number(a, o, "bits", (int64_t)key->modulus.n * 8);
        show_hex(a, o, "modulus", key->modulus);
        show_hex(a, o, "exponent", key->exponent);
    } else {
        show_string(a, o, "curve", key->kind == KEY_P256 ? "P-256" : "P-384");
        show_hex(a, o, "point", key->point);
    }
    show_hex(a, o, "spki_sha256", sha256_of(a, public_key_spki(a, key)));
}

struct json *show_tpm_public(struct arena *a, struct bytes b, struct fault *fault)
{
    static const char *const attributes[64] = {
        [1] = "fixedTPM",     [2] = "stClear",         [4] = "fixedParent", [5] = "sensitiveDataOrigin",
        [6] = "userWithAuth", [7] = "adminWithPolicy", [10] = "noDA",       [11] = "encryptedDuplication",
        [16] = "restricted",  [17] = "decrypt",        [18] = "sign",       [19] = "x509sign",
    };
    struct json *o = json_new(a, JSON_OBJECT);
    struct tpm_public p;

    if (!tpm_public_read(a, b, &p, fault))
        return NULL;
    show_string(a, o, "kind", "tpm-public");
    show_string(a, o, "type", algorithm(a, p.type));
    show_string(a, o, "name_alg", algorithm(a, p.name_alg));
    show_string(a, o, "attributes", arena_printf(a, "0x%08x", p.attributes));
    show_bits(a, o, "attributes_set", p.attributes, attributes);
    show_hex(a, o, "auth_policy", p.auth_policy);
    show_string(a, o, "scheme", algorithm(a, p.scheme));
    show_string(a, o, "scheme_hash", algorithm(a, p.scheme_hash));
    show_string(a, o, "symmetric", algorithm(a, p.symmetric));
    show_hex(a, o, "name", p.name);
    show_flag(a, o, "attestation_key", tpm_public_attests(&p));
    show_key(a, o, &p.key);
    return o;
}

struct json *show_tpm_signature(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct tpm_signature s;

    if (!tpm_signature_read(a, b, &s, fault))
        return NULL;
    show_string(a, o, "kind", "tpm-signature");
    show_string(a, o, "algorithm", algorithm(a, s.alg));
    show_string(a, o, "hash", algorithm(a, tpm_digest_alg(s.hash)));
    show_hex(a, o, "signature", s.value);
    return o;
}

static struct json *selection_tree(struct arena *a, const struct tpm_selection *s)
{
    struct json *banks = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < s->count; i++) {
        struct json *bank = json_new(a, JSON_OBJECT), *registers = json_new(a, JSON_ARRAY);

        for (unsigned n = 0; n < 32; n++)
            if (s->banks[i].mask >> n & 1)
                json_append(registers, json_new_integer(a, n));
        show_string(a, bank, "bank", algorithm(a, s->banks[i].id));
        show_tree(bank, "registers", registers);
        json_append(banks, bank);
    }
    return banks;
}

static const char *attest_type(struct arena *a, uint16_t type)
{
    static const char *const names[] = {"nv", "command-audit", "session-audit", "certify", "quote", "time", "creation"};

    return type >= 0x8014 && type <= 0x801a ? names[type - 0x8014] : arena_printf(a, "0x%04x", type);
}

struct json *show_tpm_attest(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct tpm_attest t;

    if (!tpm_attest_read(a, b, &t, fault))
        return NULL;
    show_string(a, o, "kind", "tpm-attest");
    show_string(a, o, "magic", arena_printf(a, "0x%08x", t.magic));
    show_string(a, o, "type", attest_type(a, t.type));
    show_hex(a, o, "qualified_signer", t.signer);
    show_hex(a, o, "extra_data", t.extra_data);
    show_string(a, o, "clock", arena_printf(a, "%llu", (unsigned long long)t.clock));
    show_number(a, o, "reset_count", t.reset_count);
    show_number(a, o, "restart_count", t.restart_count);
    show_flag(a, o, "safe", t.safe);
    show_string(a, o, "firmware_version", arena_printf(a, "0x%016llx", (unsigned long long)t.firmware_version));
    if (t.type == TPM_ATTEST_QUOTE) {
        show_tree(o, "selection", selection_tree(a, &t.selection));
        show_hex(a, o, "pcr_digest", t.pcr_digest);
    } else if (t.type == TPM_ATTEST_CERTIFY) {
        show_hex(a, o, "name", t.name);
        show_hex(a, o, "qualified_name", t.qualified_name);
    }
    return o;
}

void show_tpm_device(struct arena *a, struct json *o, const struct certificate *c)
{
    struct tpm_device d = tpm_device_read(c);
    struct json *tpm = json_new(a, JSON_OBJECT);

    if (!d.manufacturer.n && !d.model.n)
        return;
    show_text(a, tpm, "manufacturer", text_clean(a, d.manufacturer));
    show_text(a, tpm, "model", text_clean(a, d.model));
    show_text(a, tpm, "version", text_clean(a, d.version));
    show_tree(o, "tpm", tpm);
}

/* Every register that was sent, whether it was quoted or not. */
static struct json *pcrs_tree(struct arena *a, const struct tpm_pcrs *pcrs)
{
    struct json *banks = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < pcrs->count; i++) {
        struct json *values = json_new(a, JSON_OBJECT);

        for (unsigned n = 0; n < TPM_PCRS; n++)
            if (pcrs->banks[i].value[n].n)
                show_hex(a, values, arena_printf(a, "%u", n), pcrs->banks[i].value[n]);
        json_set(banks, bytes_text(algorithm(a, pcrs->banks[i].id)), values);
    }
    return banks;
}

/* A member in base64 as what it holds; what cannot be shown is told. */
static struct json *member_tree(struct arena *a, const struct json *object, const char *name,
                                struct json *(*show)(struct arena *, struct bytes, struct fault *))
{
    const struct json *member = json_member(object, name);
    struct json *o = json_new(a, JSON_OBJECT), *tree;
    struct fault fault = {0};
    struct bytes text, decoded;

    if (!json_text(member, &text) || !base64_decode(a, text, &decoded, NULL))
        fault_set(&fault, FAULT_SYNTAX, "no text in base64url");
    else if ((tree = show(a, decoded, &fault)) != NULL)
        return tree;
    show_string(a, o, "error", arena_string(a, bytes_text(fault.text)));
    return o;
}

static struct json *logs_tree(struct arena *a, const struct json *logs)
{
    struct json *list = json_new(a, JSON_ARRAY);
    struct bytes type;

    JSON_EACH (entry, logs)
        if (json_text(json_member(entry, "type"), &type))
            json_append(list, member_tree(a, entry, "log", bytes_is(type, "IMA") ? show_ima : show_event_log));
    return list;
}

struct json *show_tpm_attestation(struct arena *a, struct bytes b, struct fault *fault)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct exam x = {.arena = a, .trace = trace_new(a), .settings = &settings};
    struct json *o = json_new(a, JSON_OBJECT), *key = json_new(a, JSON_OBJECT);
    const struct json *att;
    struct tpm_attestation t;

    if (!json_parse(a, bytes_without_mark(bytes_trim_end(b)), NULL, &att, fault))
        return NULL;
    if (!tpm_attestation_decode(&x, att, &t)) {
        fault_set(fault, FAULT_SYNTAX, "%s", arena_string(a, trace_message(x.trace, a)));
        return NULL;
    }
    show_string(a, o, "kind", "tpm-attestation");
    if (t.aik.leaf)
        show_tree(o, "aik_cert", show_certificate(a, t.aik.leaf));
    show_key(a, key, &t.key);
    show_tree(o, "aik", key);
    show_tree(o, "quote", member_tree(a, att, "quote", show_tpm_attest));
    show_tree(o, "signature", member_tree(a, att, "signature", show_tpm_signature));
    show_tree(o, "pcrs", pcrs_tree(a, &t.quote.pcrs));
    show_tree(o, "logs", logs_tree(a, json_member(att, "logs")));
    return o;
}
