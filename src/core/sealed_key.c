#include "core/sealed_key.h"

#include "core/frame.h"
#include "crypto/digest.h"

/* u8 version, IV, then the key under AES-256-GCM with version and provider as associated data. The first version held PKCS#8. */
/* One of
 * a region, by setting, is of a version of its own, which is sealed with it: neither can be taken for the other. */
enum { SEALED_PKCS8 = 1, SEALED_VERSION = 2, SEALED_REGION = 3 };

#define REGION_BEGIN "https://*"

struct bytes write_provider_key(struct arena *a, const struct provider_key *key)
{
    struct writer w = wr_open(a);

    wr_field(&w, key->kid);
    wr_field(&w, key->certificate);
    wr_field(&w, key->sealed);
    if (key->since) /* each has one form */
        wr_u64le(&w, (uint64_t)key->since);
    return wr_done(&w);
}

bool read_provider_key(struct bytes body, struct provider_key *out)
{
    struct reader r = rd_open(body);

    out->kid = rd_field(&r);
    out->certificate = rd_field(&r);
    out->sealed = rd_field(&r);
    bool told = rd_left(&r) > 0;
    out->since = told ? (int64_t)rd_u64le(&r) : 0;
    return rd_end(&r) && told == (out->since != 0);
}

struct bytes write_retired_keys(struct arena *a, const struct retired_key *keys, size_t count)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        wr_field(&w, keys[i].kid);
        wr_field(&w, keys[i].certificate);
        wr_u64le(&w, (uint64_t)keys[i].until);
    }
    return wr_done(&w);
}

bool read_retired_keys(struct bytes body, struct retired_key out[RETIRED_KEYS_MAX], size_t *count)
{
    struct reader r = rd_open(body);

    *count = rd_u8(&r);
    if (*count > RETIRED_KEYS_MAX)
        return false;
    for (size_t i = 0; i < *count; i++) {
        out[i].kid = rd_field(&r);
        out[i].certificate = rd_field(&r);
        out[i].until = (int64_t)rd_u64le(&r);
    }
    return rd_end(&r);
}

struct bytes key_region(struct arena *a, struct bytes issuer)
{
    struct bytes rest = bytes_after(issuer, strlen("https://"));
    struct writer w = wr_open(a);
    bool letter = false;

    while (rest.n && rest.p[0] != '.')
        rest = bytes_after(rest, 1);
    for (size_t i = 0; i < rest.n; i++)
        letter = letter || ((rest.p[i] | 32) >= 'a' && (rest.p[i] | 32) <= 'z');
    if (!letter) /* one label, or a number: a host by itself */
        return BYTES_NONE;
    wr_text(&w, REGION_BEGIN);
    wr_put(&w, rest);
    return wr_done(&w);
}

bool key_is_region(struct bytes issuer)
{
    return bytes_begin(issuer, REGION_BEGIN ".");
}

bool sealed_key_is_regional(struct bytes sealed)
{
    struct reader r = rd_open(sealed);

    return rd_u8(&r) == SEALED_REGION;
}

static struct bytes bound_to(struct arena *a, uint8_t version, struct bytes issuer)
{
    struct writer w = wr_open(a);

    wr_text(&w, "assay signing key ");
    wr_u8(&w, version);
    wr_field(&w, issuer);
    return wr_done(&w);
}

bool sealed_key_write(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, const struct signing_key *key,
                      struct arena *a, struct bytes *sealed, struct fault *fault)
{
    struct writer w = wr_open(a);
    struct bytes plain, body;
    uint8_t iv[AEAD_IV_SIZE], version = key_is_region(issuer) ? SEALED_REGION : SEALED_VERSION;

    if (!signing_key_write_short(key, a, &plain, fault))
        return false;
    bool ok = random_bytes(iv, sizeof iv) && aead_seal(sealing, iv, bound_to(a, version, issuer), plain, a, &body);
    secret_wipe((void *)(uintptr_t)plain.p, plain.n);
    if (!ok)
        return fault_set(fault, FAULT_CRYPTO, "a signing key cannot be sealed");
    wr_u8(&w, version);
    wr_put(&w, BYTES_OF(iv));
    wr_put(&w, body);
    *sealed = wr_done(&w);
    return true;
}

struct signing_key *sealed_key_open(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, struct bytes sealed,
                                    struct arena *a, struct fault *fault)
{
    struct reader r = rd_open(sealed);
    uint8_t version = rd_u8(&r);
    struct bytes iv = rd_take(&r, AEAD_IV_SIZE), body = rd_rest(&r), plain;

    if (!rd_end(&r) || version < SEALED_PKCS8 || version > SEALED_REGION) {
        fault_set(fault, FAULT_SYNTAX, "a sealed signing key of a form that this release does not know");
        return NULL;
    }
    if (version == SEALED_REGION)
        issuer = key_region(a, issuer);
    if (!aead_open(sealing, iv.p, bound_to(a, version, issuer), body, a, &plain)) {
        fault_set(
            fault, FAULT_CRYPTO,
            "the signing key was sealed under another sealing key or for another provider or region, or was changed");
        return NULL;
    }
    struct signing_key *key =
        version == SEALED_PKCS8 ? signing_key_read_der(plain, fault) : signing_key_read_short(plain, fault);
    secret_wipe((void *)(uintptr_t)plain.p, plain.n);
    return key;
}

bool sealed_key_of(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, const struct signing_key *key,
                   struct arena *a, struct provider_key *out, struct fault *fault)
{
    out->since = 0;
    out->kid = key_id(a, signing_key_spki(key, a));
    return key_certificate(key, issuer, NULL, a, &out->certificate, fault) &&
           sealed_key_write(sealing, issuer, key, a, &out->sealed, fault);
}

bool sealed_key_make(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, struct arena *a,
                     struct provider_key *out, struct fault *fault)
{
    struct signing_key *key = signing_key_generate(KEY_RSA, fault);
    bool ok = key && sealed_key_of(sealing, issuer, key, a, out, fault);

    signing_key_free(key);
    return ok;
}
