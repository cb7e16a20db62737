/* The answer to an Azure guest: the token under a fresh AES key, and that key for the TPM alone (snp-cvm.md 3.6). */
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/rsa_encrypt.h"
#include "evidence/azure_guest.h"

/* As many bytes as wanted of SHA-256 over label, counter, entropy and the hash of the token: so that key and IV never come again
 * for another token, whatever the entropy. */
struct stream {
    const char *label;
    struct bytes entropy, token_hash;
    uint32_t counter;
    uint8_t block[SHA256_SIZE];
    size_t left;
};

static uint8_t next(struct stream *s)
{
    if (s->left == 0) {
        uint8_t counter[] = {(uint8_t)(s->counter >> 8), (uint8_t)s->counter};
        struct bytes parts[] = {bytes_text(s->label), BYTES_OF(counter), s->entropy, s->token_hash};

        digest_parts(DIGEST_SHA256, parts, sizeof parts / sizeof *parts, s->block);
        s->left = sizeof s->block;
        s->counter++;
    }
    return s->block[sizeof s->block - s->left--];
}

static void fill(struct stream *s, uint8_t *out, size_t n, bool zero_too)
{
    for (size_t i = 0; i < n;)
        if ((out[i] = next(s)) != 0 || zero_too)
            i++;
    secret_wipe(s->block, sizeof s->block);
}

static void derive(const char *label, struct bytes entropy, struct bytes token_hash, uint8_t *out, size_t n,
                   bool zero_too)
{
    struct stream s = {.label = label, .entropy = entropy, .token_hash = token_hash};

    fill(&s, out, n, zero_too);
}

/* Values in the standard alphabet with padding: a client's decoder counts the signs of equality. */
static void set_base64(struct arena *a, struct json *o, const char *name, struct bytes value)
{
    json_set(o, bytes_text(name), json_new_text(a, base64_encode(a, value)));
}

static struct json *parameters(struct arena *a, struct bytes iv)
{
    enum { KEY_BITS = AEAD_KEY_SIZE * 8 };
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "BlockMode", json_new_text(a, BYTES_LIT("ChainingModeGCM")));
    JSON_SET(o, "BlockPadding", json_new_text(a, BYTES_LIT("PKCS7"))); /* there is none; clients look for the word */
    JSON_SET(o, "Cipher", json_new_text(a, BYTES_LIT("AES")));
    JSON_SET(o, "KeySizeInBits", json_new_integer(a, KEY_BITS));
    set_base64(a, o, "Iv", iv);
    return o;
}

/* Blanks before the last brace until the length is a multiple of three: one client's decoder leaves a byte behind texts of other
 * lengths. */
static struct bytes padded(struct arena *a, struct bytes text)
{
    struct writer w = wr_open(a);

    wr_put(&w, bytes_first(text, text.n - 1));
    while ((w.n + 1) % 3 != 0)
        wr_u8(&w, ' ');
    wr_u8(&w, '}');
    return wr_done(&w);
}

bool guest_seal(struct arena *a, const struct public_key *key, struct bytes token, struct bytes entropy,
                struct bytes *out)
{
    struct bytes hash = sha256_of(a, token), inner, sealed;
    size_t pad = rsa_pkcs1_padding(key, AEAD_KEY_SIZE);
    uint8_t aes[AEAD_KEY_SIZE], iv[AEAD_IV_SIZE], *padding = arena_alloc(a, pad);

    derive("Assay AzureGuest key", entropy, hash, aes, sizeof aes, true);
    derive("Assay AzureGuest iv", entropy, hash, iv, sizeof iv, true);
    derive("Assay AzureGuest padding", entropy, hash, padding, pad, false);
    bool ok = rsa_pkcs1_encrypt(key, BYTES_OF(aes), bytes_make(padding, pad), a, &inner) &&
              aead_seal(aes, iv, BYTES_LIT("Transport Key"), token, a, &sealed);
    secret_wipe(aes, sizeof aes);
    secret_wipe(padding, pad);
    if (!ok)
        return false;
    struct json *o = json_new(a, JSON_OBJECT), *body = json_new(a, JSON_OBJECT);
    set_base64(a, o, "EncryptedInnerKey", inner);
    JSON_SET(o, "EncryptionParams", parameters(a, arena_copy(a, BYTES_OF(iv))));
    set_base64(a, o, "AuthenticationData", bytes_after(sealed, token.n));
    set_base64(a, o, "Jwt", bytes_first(sealed, token.n));
    struct bytes text = padded(a, json_print(a, o, JSON_IN_ORDER));
    JSON_SET(body, "token", json_new_text(a, base64url_encode(a, text)));
    *out = json_print(a, body, JSON_IN_ORDER);
    return true;
}

bool guest_answer(struct exam *x, struct bytes token, struct bytes *out)
{
    const struct guest_evidence *e = x->evidence;

    if (x->entropy.n < EXAM_ENTROPY)
        return false; /* an error of whoever called; the core says so */
    return guest_seal(x->arena, &e->ephemeral.object.key, token, bytes_after(x->entropy, EXAM_JTI_ENTROPY), out);
}
