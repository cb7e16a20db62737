/* Structures of TPMs made by hand: what a real TPM would never send, and each check of quotes and certifications by itself. */
#include "crypto_test.h"

#include <openssl/rsa.h>

#include "evidence/parts/credential.h"
#include "evidence/parts/tpm_verify.h"

enum {
    ALG_SHA1 = 0x0004,
    ALG_SHA256 = 0x000b,
    ALG_SHA384 = 0x000c,
    SM3 = 0x0012,
    RSASSA = 0x0014,
    RSAPSS = 0x0016,
    ECDSA = 0x0018
};

static void u16(struct writer *w, unsigned v)
{
    wr_u8(w, (uint8_t)(v >> 8));
    wr_u8(w, (uint8_t)v);
}

static void u32(struct writer *w, uint32_t v)
{
    u16(w, v >> 16);
    u16(w, v & 0xffff);
}

static void sized(struct writer *w, struct bytes b)
{
    u16(w, (unsigned)b.n);
    wr_put(w, b);
}

/* All that a TPMS_ATTEST says before what its type decides. */
static struct writer head(uint32_t magic, unsigned type, struct bytes nonce)
{
    struct writer w = wr_open(&arena);

    u32(&w, magic);
    u16(&w, type);
    sized(&w, BYTES_LIT("\0\x0bthe name of a key"));
    sized(&w, nonce);
    for (int i = 0; i < 16; i++)
        wr_u8(&w, 0); /* clock, resetCount, restartCount */
    wr_u8(&w, 1);
    for (int i = 0; i < 8; i++)
        wr_u8(&w, (uint8_t)i);
    return w;
}

struct bank {
    unsigned id;
    uint32_t mask;
};

static struct bytes quote(uint32_t magic, const struct bank *banks, size_t count, struct bytes digest)
{
    struct writer w = head(magic, TPM_ATTEST_QUOTE, BYTES_LIT("nonce"));

    u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        u16(&w, banks[i].id);
        wr_u8(&w, 3);
        for (int b = 0; b < 3; b++)
            wr_u8(&w, (uint8_t)(banks[i].mask >> 8 * b));
    }
    sized(&w, digest);
    return wr_done(&w);
}

static struct bytes signature(unsigned alg, unsigned hash, struct bytes value)
{
    struct writer w = wr_open(&arena);

    u16(&w, alg);
    u16(&w, hash);
    if (alg == ECDSA) {
        sized(&w, bytes_first(value, value.n / 2));
        sized(&w, bytes_after(value, value.n / 2));
    } else
        sized(&w, value);
    return wr_done(&w);
}

static struct signing_key *ec, *rsa;
static struct settings settings;

static int make_keys(void **state)
{
    (void)state;
    ec = new_key(KEY_P256);
    rsa = new_key(KEY_RSA);
    settings = SETTINGS_DEFAULT;
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    signing_key_free(ec);
    signing_key_free(rsa);
    return 0;
}

static struct bytes signed_with(const struct signing_key *k, enum signature_alg alg, struct bytes message)
{
    struct bytes s;

    assert_true(sign_message(k, alg, message, &arena, &s));
    return s;
}

static struct tpm_pcrs registers(unsigned id, size_t size)
{
    struct tpm_pcrs p = {.count = 1};

    p.banks[0].id = (uint16_t)id;
    for (unsigned i = 0; i < TPM_PCRS; i++) {
        uint8_t *value = arena_alloc(&arena, size);

        memset(value, (int)i + 1, size);
        p.banks[0].value[i] = bytes_make(value, size);
    }
    return p;
}

static struct bytes digest_of(const struct tpm_pcrs *p, const struct bank *banks, size_t count)
{
    struct tpm_selection s = {.count = count};
    uint8_t *out = arena_alloc(&arena, DIGEST_MAX);

    for (size_t i = 0; i < count; i++) {
        s.banks[i].id = (uint16_t)banks[i].id;
        s.banks[i].mask = banks[i].mask;
    }
    assert_true(tpm_pcrs_digest(p, &s, DIGEST_SHA256, out));
    return bytes_make(out, SHA256_SIZE);
}

/* The check that refused, or "accepted". */
static const char *verdict(struct bytes attest, struct bytes sig, const struct tpm_pcrs *p, const struct bytes *nonce)
{
    struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
    struct public_key key = public_of(ec);
    struct tpm_quote q;

    if (tpm_quote_decode(&x, attest, sig, false, &q)) {
        q.pcrs = *p;
        assert_true(tpm_quote_verify(&x, &q, &key, nonce, "none") == !x.trace->failed);
    }
    return x.trace->failed ? check_table[trace_failure(x.trace)->id].id : "accepted";
}

static const char *signed_verdict(struct bytes attest, const struct tpm_pcrs *p)
{
    struct bytes nonce = BYTES_LIT("nonce");

    return verdict(attest, signature(ECDSA, ALG_SHA256, signed_with(ec, SIGNATURE_ES256, attest)), p, &nonce);
}

static void quotes_one_by_one(void **state)
{
    const struct bank one[] = {{ALG_SHA256, 0x0000ff}}, split[] = {{ALG_SHA256, 0x00000f}, {ALG_SHA256, 0x0000f0}},
                      twice[] = {{ALG_SHA256, 0x00000f}, {ALG_SHA256, 0x000018}}, high[] = {{ALG_SHA256, 0xff0000}};
    struct tpm_pcrs p = registers(ALG_SHA256, SHA256_SIZE);
    struct bytes good = quote(TPM_GENERATED, one, 1, digest_of(&p, one, 1)), other = BYTES_LIT("another"),
                 none = BYTES_NONE;

    (void)state;
    assert_string_equal(signed_verdict(good, &p), "accepted");
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, split, 2, digest_of(&p, split, 2)), &p), "accepted");
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, high, 1, digest_of(&p, high, 1)), &p), "accepted");
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, NULL, 0, digest_of(&p, NULL, 0)), &p), "accepted");
    /* Each check. */
    assert_string_equal(signed_verdict(quote(TPM_GENERATED + 1, one, 1, digest_of(&p, one, 1)), &p), "tpm.quote.magic");
    struct writer certify = head(TPM_GENERATED, TPM_ATTEST_CERTIFY, BYTES_LIT("nonce"));
    sized(&certify, BYTES_LIT("name"));
    sized(&certify, BYTES_LIT("qualified name"));
    assert_string_equal(signed_verdict(wr_done(&certify), &p), "tpm.quote.type");
    struct writer unknown = head(TPM_GENERATED, 0x8099, BYTES_LIT("nonce"));
    wr_text(&unknown, "what this build cannot know");
    assert_string_equal(signed_verdict(wr_done(&unknown), &p), "tpm.quote.type");
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, twice, 2, digest_of(&p, twice, 2)), &p),
                        "tpm.quote.selection");
    assert_string_equal(signed_verdict(good, &(struct tpm_pcrs){0}), "tpm.quote.pcrs");
    struct bytes s = signature(ECDSA, ALG_SHA256, signed_with(ec, SIGNATURE_ES256, good));
    assert_string_equal(verdict(good, s, &p, NULL), "accepted");
    assert_string_equal(verdict(good, s, &p, &other), "tpm.quote.nonce");
    assert_string_equal(verdict(good, s, &p, &none), "tpm.quote.nonce");
    assert_string_equal(verdict(good, signature(RSASSA, ALG_SHA256, signed_with(rsa, SIGNATURE_RS256, good)), &p, NULL),
                        "tpm.quote.signature");
    /* The hash of the signature is that of the digest. */
    assert_string_equal(verdict(good, signature(ECDSA, ALG_SHA384, signed_with(ec, SIGNATURE_ES384, good)), &p, NULL),
                        "tpm.quote.pcrs");
}

static void registers_of_other_banks(void **state)
{
    const struct bank sm3[] = {{SM3, 1}}, strange[] = {{0x7777, 1}};
    struct tpm_pcrs p = registers(SM3, 32), q = registers(0x7777, 32), wrong = registers(SM3, 31);
    struct tpm_selection s = {.count = 1, .banks = {{.id = 0x7777, .mask = 1}}};
    uint8_t out[DIGEST_MAX];

    (void)state;
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, sm3, 1, digest_of(&p, sm3, 1)), &p), "accepted");
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, sm3, 1, digest_of(&p, sm3, 1)), &wrong), "tpm.quote.pcrs");
    assert_false(tpm_pcrs_digest(&q, &s, DIGEST_SHA256, out));
    assert_string_equal(signed_verdict(quote(TPM_GENERATED, strange, 1, BYTES_OF(out)), &q), "tpm.quote.pcrs");
}

/* Lengths that lie, more than there is room for, and values that no TPM writes. */
static void hostile_attests(void **state)
{
    struct bank many[17];
    struct tpm_attest t;
    struct fault fault = {0};

    (void)state;
    for (size_t i = 0; i < 17; i++)
        many[i] = (struct bank){ALG_SHA256, 0};
    assert_true(tpm_attest_read(&arena, quote(TPM_GENERATED, many, TPM_BANKS, BYTES_NONE), &t, NULL));
    assert_false(tpm_attest_read(&arena, quote(TPM_GENERATED, many, TPM_BANKS + 1, BYTES_NONE), &t, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_false(tpm_attest_read(&arena, quote(TPM_GENERATED, many, 17, BYTES_NONE), &t, NULL));
    for (unsigned i = 0; i < 4; i++) {
        struct writer w = head(TPM_GENERATED, TPM_ATTEST_QUOTE, BYTES_NONE);
        static const uint32_t counts[] = {0xffffffff, 0x80000000, 0x10000, 0x11};

        u32(&w, counts[i]);
        for (int n = 0; n < 1000; n++)
            wr_u8(&w, 0);
        assert_false(tpm_attest_read(&arena, wr_done(&w), &t, NULL));
    }
    for (unsigned size = 5; size < 256; size += 50) {
        struct writer w = head(TPM_GENERATED, TPM_ATTEST_QUOTE, BYTES_NONE);

        u32(&w, 1);
        u16(&w, ALG_SHA256);
        wr_u8(&w, (uint8_t)size);
        for (unsigned n = 0; n < size + 2; n++)
            wr_u8(&w, 0);
        assert_false(tpm_attest_read(&arena, wr_done(&w), &t, NULL));
    }
    struct writer long_name = wr_open(&arena);
    u32(&long_name, TPM_GENERATED);
    u16(&long_name, TPM_ATTEST_QUOTE);
    u16(&long_name, 0xffff);
    for (int n = 0; n < 0xffff; n++)
        wr_u8(&long_name, 0);
    assert_false(tpm_attest_read(&arena, wr_done(&long_name), &t, NULL));
    assert_false(tpm_attest_read(&arena, BYTES_NONE, &t, NULL));
}

static void signatures(void **state)
{
    struct tpm_signature s;
    struct bytes value = signed_with(ec, SIGNATURE_ES256, BYTES_LIT("message"));
    struct public_key key = public_of(ec), rsa_key = public_of(rsa);
    static const unsigned refused[] = {0x0005 /* HMAC */, 0x001a /* ECDAA */, 0x001b /* SM2 */, 0x001c, 0x0010, 0};

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(tpm_signature_read(&arena, signature(refused[i], ALG_SHA256, value), &s, NULL));
    assert_false(tpm_signature_read(&arena, signature(ECDSA, SM3, value), &s, NULL));
    assert_false(tpm_signature_read(&arena, signature(RSASSA, 0x0010, value), &s, NULL));
    assert_true(tpm_signature_read(&arena, signature(ECDSA, ALG_SHA256, value), &s, NULL));
    assert_true(tpm_signature_verify(&s, &key, BYTES_LIT("message")));
    assert_false(tpm_signature_verify(&s, &key, BYTES_LIT("another")) ||
                 tpm_signature_verify(&s, &rsa_key, BYTES_LIT("message")) ||
                 tpm_signature_verify(&s, &(struct public_key){0}, BYTES_LIT("message")));
    /* A TPM may write zeros before r and s, or leave them out. */
    struct writer padded = wr_open(&arena);
    u16(&padded, ECDSA);
    u16(&padded, ALG_SHA256);
    sized(&padded, joined(BYTES_LIT("\0\0\0"), bytes_first(value, 32)));
    sized(&padded, joined(BYTES_LIT("\0"), bytes_after(value, 32)));
    assert_true(tpm_signature_read(&arena, wr_done(&padded), &s, NULL));
    assert_true(tpm_signature_verify(&s, &key, BYTES_LIT("message")));
    struct writer large = wr_open(&arena);
    u16(&large, ECDSA);
    u16(&large, ALG_SHA256);
    sized(&large, bytes_make(memset(arena_alloc(&arena, 66), 1, 66), 66));
    sized(&large, bytes_make(memset(arena_alloc(&arena, 66), 1, 66), 66));
    assert_false(tpm_signature_read(&arena, wr_done(&large), &s, NULL));
}

/* TPMs fill the salt up, or take the digest's size; both are PSS. */
static void any_salt(void **state)
{
    static const int salts[] = {0, 20, 32, 64, RSA_PSS_SALTLEN_MAX};
    EVP_PKEY *k = EVP_RSA_gen(2048);
    struct bytes message = BYTES_LIT("message"), hash = digest(&arena, DIGEST_SHA256, message);
    struct public_key key;
    struct tpm_signature s;

    (void)state;
    assert_true(public_key_decode(&arena, spki_of(k), &key));
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
        uint8_t out[256];
        size_t n = sizeof out;

        assert_true(EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, salts[i]) == 1 &&
                    EVP_PKEY_sign(c, out, &n, hash.p, hash.n) == 1);
        EVP_PKEY_CTX_free(c);
        assert_true(tpm_signature_read(&arena, signature(RSAPSS, ALG_SHA256, bytes_make(out, n)), &s, NULL));
        assert_true(tpm_signature_verify(&s, &key, message));
        assert_false(tpm_signature_verify(&s, &key, BYTES_LIT("another")));
        s.alg = RSASSA;
        assert_false(tpm_signature_verify(&s, &key, message));
    }
    EVP_PKEY_free(k);
}

static void old_hashes_by_setting(void **state)
{
    struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
    const struct bank one[] = {{ALG_SHA1, 1}};
    struct tpm_pcrs p = registers(ALG_SHA1, SHA1_SIZE);
    struct tpm_selection s = {.count = 1, .banks = {{.id = ALG_SHA1, .mask = 1}}};
    uint8_t out[DIGEST_MAX];
    EVP_PKEY *k = EVP_RSA_gen(2048);
    struct public_key key;
    struct tpm_quote q;

    (void)state;
    assert_true(tpm_pcrs_digest(&p, &s, DIGEST_SHA1, out));
    struct bytes attest = quote(TPM_GENERATED, one, 1, bytes_make(out, SHA1_SIZE)),
                 hash = digest(&arena, DIGEST_SHA1, attest);
    uint8_t value[256];
    size_t n = sizeof value;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
    assert_true(EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(c, EVP_sha1()) == 1 && EVP_PKEY_sign(c, value, &n, hash.p, hash.n) == 1);
    EVP_PKEY_CTX_free(c);
    assert_true(public_key_decode(&arena, spki_of(k), &key));
    EVP_PKEY_free(k);
    assert_true(tpm_quote_decode(&x, attest, signature(RSASSA, ALG_SHA1, bytes_make(value, n)), false, &q));
    q.pcrs = p;
    assert_true(tpm_quote_verify(&x, &q, &key, NULL, "none"));
    settings.tpm_sha1 = false;
    assert_false(tpm_quote_verify(&x, &q, &key, NULL, "none"));
    settings.tpm_sha1 = true;
    assert_string_equal(check_table[trace_failure(x.trace)->id].id, "tpm.quote.signature");
    assert_non_null(strstr(trace_failure(x.trace)->note, "SHA-1"));
}

/* ------------------------------------------------------------------------------------------------ public areas */

static struct bytes rsa_area(unsigned bits, uint32_t exponent, struct bytes modulus, uint32_t attributes, bool storage)
{
    struct writer w = wr_open(&arena);

    u16(&w, 0x0001);
    u16(&w, ALG_SHA256);
    u32(&w, attributes);
    sized(&w, BYTES_LIT("a policy"));
    u16(&w, storage ? 0x0006 : 0x0010);
    if (storage) {
        u16(&w, 128);
        u16(&w, 0x0043);
    }
    u16(&w, 0x0010);
    u16(&w, bits);
    u32(&w, exponent);
    sized(&w, modulus);
    return wr_done(&w);
}

/* A certification of an object, as a TPM makes it. */
static const char *certified(struct bytes object, struct bytes name, const char **note)
{
    struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
    struct public_key key = public_of(ec);
    struct writer w = head(TPM_GENERATED, TPM_ATTEST_CERTIFY, BYTES_LIT("nonce"));
    struct tpm_certification c;

    sized(&w, name);
    sized(&w, BYTES_LIT("qualified name"));
    struct bytes attest = wr_done(&w), s = signature(ECDSA, ALG_SHA256, signed_with(ec, SIGNATURE_ES256, attest));
    if (tpm_certify_decode(&x, attest, s, false, object, &c))
        assert_true(tpm_certify_verify(&x, &c, &key, NULL, "none") == !x.trace->failed);
    const struct trace_entry *failure = trace_failure(x.trace);
    *note = failure && failure->note ? failure->note : "";
    return failure ? check_table[failure->id].id : "accepted";
}

static void names_that_another_can_have(void **state)
{
    struct public_key key = public_of(rsa);
    struct bytes good = rsa_area(2048, 0, key.modulus, TPM_FIXED_TPM | TPM_DECRYPT, false);
    uint8_t *old = memcpy(arena_alloc(&arena, good.n), good.p, good.n);
    struct tpm_public p;
    const char *note;

    (void)state;
    assert_true(tpm_public_read(&arena, good, &p, NULL));
    assert_string_equal(certified(good, p.name, &note), "accepted");
    old[3] = ALG_SHA1; /* nameAlg */
    assert_true(tpm_public_read(&arena, bytes_make(old, good.n), &p, NULL));
    assert_int_equal(p.name.n, 2 + SHA1_SIZE);
    assert_string_equal(certified(bytes_make(old, good.n), p.name, &note), "tpm.certify.name");
    assert_non_null(strstr(note, "SHA-1"));
    old[3] = SM3; /* of which no name is made */
    assert_string_equal(certified(bytes_make(old, good.n), BYTES_NONE, &note), "tpm.certify.name");
}

static struct bytes sized_area(struct bytes area)
{
    struct writer w = wr_open(&arena);

    sized(&w, area);
    return wr_done(&w);
}

static void public_areas(void **state)
{
    const uint32_t attests = TPM_FIXED_TPM | TPM_RESTRICTED | TPM_SIGN;
    struct public_key key = public_of(rsa);
    struct bytes area = rsa_area(2048, 0, key.modulus, attests, false), rest;
    struct tpm_public p, q;

    (void)state;
    assert_true(tpm_public_read(&arena, area, &p, NULL) && tpm_public_attests(&p));
    assert_bytes_equal(p.key.modulus, key.modulus);
    assert_bytes_equal(p.key.exponent, BYTES_LIT("\x01\x00\x01"));
    assert_bytes_equal(p.auth_policy, BYTES_LIT("a policy"));
    assert_int_equal(p.name.n, 34);
    assert_bytes_equal(bytes_after(p.name, 2), sha256_of(&arena, area));
    assert_true(tpm_public_read(&arena, sized_area(area), &q, NULL));
    assert_bytes_equal(q.bytes, area);
    assert_bytes_equal(q.name, p.name);
    /* What follows is told; alone it is refused. */
    struct bytes more = joined(sized_area(area), BYTES_LIT("more"));
    assert_false(tpm_public_read(&arena, more, &q, NULL) ||
                 tpm_public_read(&arena, joined(area, BYTES_LIT("x")), &q, NULL));
    assert_true(tpm_public_read_first(&arena, more, &q, &rest, NULL));
    assert_bytes_are(rest, "more");
    assert_true(tpm_public_read_first(&arena, joined(area, BYTES_LIT("more")), &q, &rest, NULL));
    assert_bytes_are(rest, "more");
    struct bytes inner = sized_area(joined(area, BYTES_LIT("x")));
    assert_false(tpm_public_read_first(&arena, inner, &q, &rest, NULL));
    /* Keys that are not taken, in areas that are well formed. */
    assert_true(tpm_public_read(&arena, rsa_area(1024, 0, key.modulus, attests, false), &q, NULL));
    assert_int_equal(q.key.kind, KEY_NONE);
    assert_true(tpm_public_read(&arena, rsa_area(1024, 0, bytes_first(key.modulus, 128), attests, false), &q, NULL));
    assert_int_equal(q.key.kind, KEY_NONE);
    assert_true(tpm_public_read(&arena, rsa_area(2048, 2, key.modulus, attests, false), &q, NULL));
    assert_int_equal(q.key.kind, KEY_NONE);
    assert_true(tpm_public_read(&arena, rsa_area(2048, 3, key.modulus, attests, false), &q, NULL));
    assert_bytes_equal(q.key.exponent, BYTES_LIT("\x03"));
    /* Attestation keys are of the TPM, restricted, and sign. */
    for (unsigned bit = 0; bit < 32; bit++) {
        assert_true(tpm_public_read(&arena, rsa_area(2048, 0, key.modulus, attests ^ 1u << bit, false), &q, NULL));
        assert_true(tpm_public_attests(&q) == !((attests | TPM_DECRYPT) >> bit & 1));
    }
}

static void credentials_need_a_storage_key(void **state)
{
    const uint32_t storage = TPM_FIXED_TPM | TPM_RESTRICTED | TPM_DECRYPT;
    struct public_key key = public_of(rsa);
    uint8_t random[CREDENTIAL_RANDOM] = {1};
    struct bytes name = BYTES_LIT("\0\x0bname"), secret = BYTES_LIT("secret");
    struct credential c;
    struct tpm_public p;
    const struct {
        struct bytes area;
        bool ok;
    } rows[] = {
        {rsa_area(2048, 0, key.modulus, storage, true), true},
        {rsa_area(2048, 0, key.modulus, storage, false), false},
        {rsa_area(2048, 0, key.modulus, storage | TPM_SIGN, true), false},
        {rsa_area(2048, 0, key.modulus, TPM_DECRYPT, true), false},
        {rsa_area(2048, 0, key.modulus, TPM_RESTRICTED | TPM_SIGN, true), false},
        {rsa_area(1024, 0, bytes_first(key.modulus, 128), storage, true), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault = {0};

        assert_true(tpm_public_read(&arena, rows[i].area, &p, NULL));
        assert_true(credential_make(&arena, &p, name, secret, random, &c, &fault) == rows[i].ok);
        assert_true(rows[i].ok || *fault.text);
    }
    assert_true(tpm_public_read(&arena, rows[0].area, &p, NULL));
    assert_false(credential_make(&arena, &p, BYTES_NONE, secret, random, &c, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(quotes_one_by_one),
        TEST(registers_of_other_banks),
        TEST(hostile_attests),
        TEST(signatures),
        TEST(any_salt),
        TEST(old_hashes_by_setting),
        TEST(public_areas),
        TEST(credentials_need_a_storage_key),
        TEST(names_that_another_can_have),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
