/* The Wycheproof vectors of every algorithm that is accepted. "acceptable" ones: docs/decisions.md. Keys that the rules of
 * crypto/verify.h refuse are counted by themselves. */
#include "test.h"

#include "base/json.h"
#include "base/text.h"
#include "crypto/ecdsa.h"
#include "crypto/jose.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 2ul * 1024 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

struct count {
    unsigned valid, invalid, acceptable, refused_keys;
};

static const struct json *load(const char *name)
{
    const struct json *v;
    struct fault fault = {0};

    if (!json_parse(&arena, read_shared(&arena, arena_printf(&arena, "corpus/wycheproof/%s_test.json", name)), NULL, &v,
                    &fault))
        fail_msg("%s: %s", name, fault.text);
    return json_member(v, "testGroups");
}

static struct bytes hex_of(const struct json *object, const char *name)
{
    struct bytes text = BYTES_NONE, out = BYTES_NONE;

    assert_true(json_text(json_member(object, name), &text));
    assert_true(hex_decode(&arena, text, &out));
    return out;
}

static enum digest_alg digest_of(const struct json *group)
{
    struct bytes sha = json_member(group, "sha")->text;

    return bytes_is(sha, "SHA-256") ? DIGEST_SHA256 : bytes_is(sha, "SHA-384") ? DIGEST_SHA384 : DIGEST_SHA512;
}

/* The verdict that the vector must get; acceptable ones are refused: nothing that we talk to makes them. */
static void judge(const char *file, const struct json *test, bool ok, struct count *n)
{
    struct bytes result = json_member(test, "result")->text;
    bool expected = bytes_is(result, "valid");

    if (bytes_is(result, "acceptable"))
        n->acceptable++;
    else
        *(expected ? &n->valid : &n->invalid) += 1;
    if (ok != expected)
        fail_msg("%s, tcId %lld: %s", file, (long long)json_member(test, "tcId")->integer, ok ? "accepted" : "refused");
}

static void tell(const char *file, const struct count *n)
{
    print_message("# %s: %u valid, %u invalid, %u acceptable (refused), %u keys refused\n", file, n->valid, n->invalid,
                  n->acceptable, n->refused_keys);
    assert_true(n->valid + n->invalid + n->acceptable > 0);
}

/* nettle refuses where OpenSSL does, and beside that a signature made so that the verifier adds a point to itself, which it
 * does not do (and which no signer comes upon). */
static void compare_back_ends(const struct json *test, const struct public_key *key, struct bytes hash,
                              struct bytes signature)
{
    bool openssl = ecdsa_verify_openssl(key, hash, signature), nettle = ecdsa_verify_nettle(key, hash, signature);

    if (bytes_is(json_member(test, "comment")->text, "point duplication during verification"))
        assert_true(openssl && !nettle);
    else
        assert_int_equal(openssl, nettle);
}

static void ecdsa_file(const char *file, bool der)
{
    struct count n = {0};

    JSON_EACH (group, load(file)) {
        enum digest_alg alg = digest_of(group);
        struct public_key key;

        assert_true(public_key_decode(&arena, hex_of(group, "publicKeyDer"), &key));
        JSON_EACH (test, json_member(group, "tests")) {
            struct bytes signature = hex_of(test, "sig"), hash = digest(&arena, alg, hex_of(test, "msg"));
            bool ok = !der || ecdsa_from_der(&arena, key.kind, signature, &signature);

            ok = ok && ecdsa_verify(&key, hash, signature);
            if (key.kind == KEY_P384)
                compare_back_ends(test, &key, hash, signature);

            judge(file, test, ok, &n);
        }
    }
    tell(file, &n);
}

static void ecdsa(void **state)
{
    (void)state;
    NEED_SHARED("Wycheproof, ECDSA");
    static const char *const names[] = {"ecdsa_secp256r1_sha256", "ecdsa_secp256r1_sha512", "ecdsa_secp384r1_sha256",
                                        "ecdsa_secp384r1_sha384", "ecdsa_secp384r1_sha512"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ecdsa_file(names[i], true);
        if (strcmp(names[i], "ecdsa_secp384r1_sha256") != 0) /* the only one without this form */
            ecdsa_file(arena_printf(&arena, "%s_p1363", names[i]), false);
        arena_reset(&arena);
    }
}

static struct bytes without_zeros(struct bytes b)
{
    while (b.n && b.p[0] == 0)
        b = bytes_after(b, 1);
    return b;
}

static void rsa_file(const char *file, bool pss)
{
    struct count n = {0};

    JSON_EACH (group, load(file)) {
        const struct json *numbers = json_member(group, "publicKey");
        enum digest_alg alg = digest_of(group);
        int64_t salt = pss ? json_member(group, "sLen")->integer : 0;
        struct public_key key;

        if (!public_key_from_rsa(without_zeros(hex_of(numbers, "modulus")),
                                 without_zeros(hex_of(numbers, "publicExponent")), &key)) {
            n.refused_keys++;
            continue;
        }
        JSON_EACH (test, json_member(group, "tests")) {
            struct bytes signature = hex_of(test, "sig"), hash = digest(&arena, alg, hex_of(test, "msg"));

            judge(file, test,
                  pss ? rsa_pss_verify(&key, alg, hash, (size_t)salt, signature)
                      : rsa_pkcs1_verify(&key, alg, hash, signature),
                  &n);
        }
    }
    tell(file, &n);
    arena_reset(&arena);
}

static void rsa_pkcs1(void **state)
{
    (void)state;
    NEED_SHARED("Wycheproof, RSASSA-PKCS1-v1_5");
    static const char *const sizes[] = {"2048", "3072", "4096"}, *const hashes[] = {"256", "384", "512"};

    for (size_t s = 0; s < 3; s++)
        for (size_t h = 0; h < 3; h++)
            rsa_file(arena_printf(&arena, "rsa_signature_%s_sha%s", sizes[s], hashes[h]), false);
}

static void rsa_pss(void **state)
{
    (void)state;
    NEED_SHARED("Wycheproof, RSASSA-PSS");
    static const char *const names[] = {"rsa_pss_2048_sha256_mgf1_32",        "rsa_pss_2048_sha256_mgf1_32_params",
                                        "rsa_pss_2048_sha384_mgf1_48",        "rsa_pss_3072_sha256_mgf1_32",
                                        "rsa_pss_3072_sha256_mgf1_32_params", "rsa_pss_4096_sha384_mgf1_48",
                                        "rsa_pss_4096_sha512_mgf1_32",        "rsa_pss_4096_sha512_mgf1_32_params"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        rsa_file(names[i], true);
}

/* Some key of the set verifies it. */
static bool verifies(const struct jws *jws, const struct json *jwk)
{
    const struct json *set = json_member(jwk, "keys");
    struct public_key key;

    if (!set)
        return jwk_decode(&arena, jwk, &key, NULL) && jws_verify(jws, &key);
    JSON_EACH (one, set)
        if (jwk_decode(&arena, one, &key, NULL) && jws_verify(jws, &key))
            return true;
    return false;
}

static bool key_says(const struct json *jwk, const char *alg)
{
    struct bytes text;

    return json_text(json_member(jwk, "alg"), &text) && bytes_is(text, alg);
}

static void jws(void **state)
{
    (void)state;
    NEED_SHARED("Wycheproof, JWS");
    static const char *const names[] = {"json_web_signature", "json_web_crypto", "json_web_key"};
    unsigned symmetric = 0, other_curve = 0, mislabelled = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct count n = {0};

        JSON_EACH (group, load(names[i])) {
            const struct json *key = json_member(group, "public"), *curve = json_member(key, "crv");
            size_t count = json_member(group, "tests")->count;

            if (!key) { /* HMAC and encryption: no algorithm of ours */
                symmetric += (unsigned)count;
                continue;
            }
            if (curve && bytes_is(curve->text, "P-521")) {
                other_curve += (unsigned)count;
                continue;
            }
            JSON_EACH (test, json_member(group, "tests")) {
                struct jws decoded;
                bool ok = jws_decode(&arena, json_member(test, "jws")->text, false, &decoded, NULL) &&
                          verifies(&decoded, key);

                /* Two examples of RFC 7520 carry a PS384 signature beside a JWK that says PS256: ours is a refusal. */
                if (bytes_begin(json_member(group, "comment")->text, "rfc7520") && key_says(key, "PS256")) {
                    assert_false(ok);
                    mislabelled++;
                    continue;
                }
                judge(names[i], test, ok, &n);
            }
        }
        tell(names[i], &n);
    }
    print_message("# not ours: %u symmetric or encrypted, %u on P-521; refused by our rule: %u mislabelled\n",
                  symmetric, other_curve, mislabelled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdsa),
        cmocka_unit_test(rsa_pkcs1),
        cmocka_unit_test(rsa_pss),
        cmocka_unit_test(jws),
    };
    return cmocka_run_group_tests_name("wycheproof", tests, set_up, tear_down);
}
