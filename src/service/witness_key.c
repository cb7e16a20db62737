#include "service/witness_key.h"

#include "base/text.h"
#include "core/root_key.h"

#define PREFIX "PRIVATE+KEY+"

enum { KIND_COSIGNATURE = 4, ID_HEX = 2 * LOG_KEY_ID };

/* As the public key's text, but for the prefix and what the base64 holds. */
static struct bytes private_text(struct arena *a, const struct log_key *key, const uint8_t seed[ED25519_SEED])
{
    struct bytes public_text = log_key_text(a, key);
    uint8_t typed[1 + ED25519_SEED] = {KIND_COSIGNATURE};
    struct writer w = wr_open(a);

    memcpy(typed + 1, seed, ED25519_SEED);
    wr_text(&w, PREFIX);
    wr_put(&w, bytes_first(public_text, key->name.n + 1 + ID_HEX + 1));
    wr_put(&w, base64_encode(a, BYTES_OF(typed)));
    wr_u8(&w, '\n');
    secret_wipe(typed, sizeof typed);
    return wr_done(&w);
}

static bool parse(struct arena *a, struct bytes text, struct log_key *out, uint8_t seed[ED25519_SEED])
{
    struct bytes rest = bytes_after(text, sizeof PREFIX - 1), typed;
    const uint8_t *plus = rest.n ? memchr(rest.p, '+', rest.n) : NULL;
    struct bytes name = bytes_first(rest, plus ? (size_t)(plus - rest.p) : 0);

    if (!bytes_begin(text, PREFIX) || !log_name_ok(name) ||
        !base64_decode_strict(a, bytes_trim_end(bytes_after(rest, name.n + 1 + ID_HEX + 1)), &typed) ||
        typed.n != 1 + ED25519_SEED)
        return false;
    *out = (struct log_key){.name = arena_copy(a, name), .cosigns = true};
    memcpy(seed, typed.p + 1, ED25519_SEED);
    return ed25519_public(seed, out->key) &&
           bytes_equal(bytes_trim_end(text), bytes_trim_end(private_text(a, out, seed)));
}

static bool make(const char *path, const char *name, struct arena *a, struct fault *fault)
{
    struct log_key key = {.name = bytes_text(name), .cosigns = true};
    uint8_t seed[ED25519_SEED];

    if (!log_name_ok(key.name))
        return fault_set(fault, FAULT_USAGE, "%s is no name of a witness: visible characters of ASCII but +", name);
    bool ok = (random_bytes(seed, sizeof seed) && ed25519_public(seed, key.key)) ||
              fault_set(fault, FAULT_CRYPTO, "no key could be made");
    ok = ok && key_file_create(path, private_text(a, &key, seed), fault);
    secret_wipe(seed, sizeof seed);
    return ok;
}

bool witness_key_open(const char *path, const char *name, struct arena *a, struct log_key *out,
                      uint8_t seed[ED25519_SEED], bool *made, struct fault *fault)
{
    struct bytes text;
    bool there;

    *made = false;
    if (!key_file_read(path, a, &there, &text, fault))
        return false;
    if (!there && !name)
        return fault_set(fault, FAULT_USAGE, "%s: there is no key; --name makes one", path);
    *made = !there;
    if (!there && (!make(path, name, a, fault) || !key_file_read(path, a, &there, &text, fault)))
        return false;
    bool ok = parse(a, text, out, seed);
    secret_wipe((void *)(uintptr_t)text.p, text.n);
    if (!ok)
        return fault_set(fault, FAULT_SYNTAX, "%s: this is no key of a witness", path);
    return !name || bytes_is(out->name, name) ||
           fault_set(fault, FAULT_USAGE, "%s is the key of %.*s, not of %s", path, (int)out->name.n,
                     (const char *)out->name.p, name);
}
