/* assay-signer: holds the signing keys and parses nothing but its verifier's canonical message (DESIGN 5). Descriptor 3 leads
 * to the verifier; the host has no way in. Argument: the file of the root key, under which providers' keys are kept, and how it is
 * sealed. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/context_key.h"
#include "core/key_evidence.h"
#include "core/key_pool.h"
#include "core/message.h"
#include "core/root_key.h"
#include "core/selftest.h"
#include "core/state_key.h"

enum {
    VERIFIER_FD = 3,
    SIGNER_MEMORY = 64 * 1024 * 1024, /* of one message and its token */
    OPEN_KEYS = 1024,                 /* kept open, 10 KiB each */
    CPU_SECONDS = 120,
    CPU_MESSAGES = 32, /* a signature takes a millisecond, a new key up to a second, and one for the pool as much */
};

/* A key that was opened, and what it was opened from: the issuer, then the sealed key. */
struct open_key {
    uint8_t *from;
    size_t issuer_size, size;
    struct signing_key *key;
};

static struct open_key open_keys[OPEN_KEYS];
static uint8_t root[ROOT_KEY_SIZE];
static struct frame_reader from_verifier = {.fd = VERIFIER_FD};

static bool is_from(const struct open_key *k, const struct sign_message *m)
{
    return k->key && bytes_equal(bytes_make(k->from, k->issuer_size), m->issuer) &&
           bytes_equal(bytes_make(k->from + k->issuer_size, k->size - k->issuer_size), m->sealed_key);
}

static void forget(struct open_key *k)
{
    signing_key_free(k->key);
    free(k->from);
    *k = (struct open_key){0};
}

/* Opening costs a quarter of a signature: keys in use stay open. A sealed key begins with a version and random bytes, which tell
 * its place. */
static const struct signing_key *open_key(const struct sign_message *m, struct arena *a, struct fault *fault)
{
    struct reader r = rd_open(bytes_after(m->sealed_key, 1));
    struct open_key *k = &open_keys[rd_u16le(&r) % OPEN_KEYS];

    if (is_from(k, m))
        return k->key;
    struct signing_key *key = sealed_key_open(root, m->issuer, m->sealed_key, a, fault);
    uint8_t *from = key ? malloc(m->issuer.n + m->sealed_key.n) : NULL;
    if (!from) {
        signing_key_free(key);
        return NULL;
    }
    forget(k);
    memcpy(from, m->issuer.p, m->issuer.n);
    memcpy(from + m->issuer.n, m->sealed_key.p, m->sealed_key.n);
    *k = (struct open_key){from, m->issuer.n, m->issuer.n + m->sealed_key.n, key};
    return key;
}

static bool sign(struct arena *a, struct bytes body, struct bytes *token, struct fault *fault)
{
    struct sign_message m;

    if (!read_sign(body, &m))
        return fault_set(fault, FAULT_SYNTAX, "not the canonical message");
    const struct signing_key *key = open_key(&m, a, fault);
    const struct token_head head = {m.form, m.issuer, m.kid, m.certificate};
    return key && token_sign(a, key, &head, m.payload, token, fault);
}

static bool make_key(struct arena *a, struct bytes issuer, struct bytes *record, struct fault *fault)
{
    struct signing_key *made = key_pool_take();
    struct provider_key key;

    if (!made)
        made = signing_key_generate(KEY_RSA, fault);
    bool ok = made && sealed_key_of(root, issuer, made, a, &key, fault);
    signing_key_free(made);
    if (ok)
        *record = write_provider_key(a, &key);
    return ok;
}

static bool certify(struct arena *a, struct bytes body, struct bytes *certificate, struct fault *fault)
{
    struct certify_message m;

    if (!read_certify(body, &m))
        return fault_set(fault, FAULT_SYNTAX, "not the canonical message");
    const struct signing_key *key =
        open_key(&(struct sign_message){.issuer = m.issuer, .sealed_key = m.sealed_key}, a, fault);
    return key && key_certificate(key, m.issuer, &m.evidence, a, certificate, fault);
}

static bool seal(struct arena *a, enum frame_kind kind, struct bytes body, struct bytes *made, struct fault *fault)
{
    struct sealing s;

    if (!read_sealing(body, &s))
        return fault_set(fault, FAULT_SYNTAX, "not the canonical message");
    if (kind == FRAME_SEAL)
        return context_seal(root, &s, a, made) || fault_set(fault, FAULT_CRYPTO, "a context cannot be sealed");
    return context_open(root, &s, a, made) || fault_set(fault, FAULT_CRYPTO, "not what was sealed");
}

static bool sign_state(struct arena *a, struct bytes body, struct bytes *made, struct fault *fault)
{
    uint8_t *signature = arena_alloc(a, ED25519_SIGNATURE);
    enum state_key_use use;
    struct bytes message;

    if (!read_state_sign(body, &use, &message))
        return fault_set(fault, FAULT_SYNTAX, "not the canonical message");
    *made = bytes_make(signature, ED25519_SIGNATURE);
    return state_sign(root, use, message, signature) ||
           fault_set(fault, FAULT_CRYPTO, "the core's state cannot be signed");
}

static bool make(struct arena *a, enum frame_kind kind, struct bytes body, struct bytes *made, struct fault *fault)
{
    switch (kind) {
    case FRAME_SIGN: return sign(a, body, made, fault);
    case FRAME_MAKE_KEY: return make_key(a, body, made, fault);
    case FRAME_CERTIFY: return certify(a, body, made, fault);
    case FRAME_STATE_SIGN: return sign_state(a, body, made, fault);
    case FRAME_SEAL:
    case FRAME_UNSEAL: return seal(a, kind, body, made, fault);
    default: return selftest_sign(root, a, made, fault);
    }
}

static void serve(struct arena *a)
{
    enum frame_kind kind;
    struct bytes body;
    bool served = false;

    for (unsigned n = 0; frame_read(&from_verifier, a, &kind, &body); arena_reset(a)) {
        struct fault fault = {0};
        struct bytes made;

        if (kind != FRAME_SIGN && kind != FRAME_MAKE_KEY && kind != FRAME_CERTIFY && kind != FRAME_STATE_SIGN &&
            kind != FRAME_SEAL && kind != FRAME_UNSEAL && kind != FRAME_SELFTEST)
            return;
        if (n++ % CPU_MESSAGES == 0)
            confine_cpu(CPU_SECONDS);
        bool ok = make(a, kind, body, &made, &fault);

        if (!frame_write(VERIFIER_FD, ok ? FRAME_SIGNED : FRAME_NOT_SIGNED, ok ? made : bytes_text(fault.text)))
            return;
        /* Not sooner: until the first key or token is out, others wait for this start. */
        if (kind == FRAME_MAKE_KEY || (kind == FRAME_SIGN && !served))
            key_pool_fill();
        served = served || kind == FRAME_SIGN;
    }
}

/* The last that may have something to say: once the calls are confined, not even standard error can be written to. */
static bool make_state_keys(struct state_keys *keys, struct fault *fault)
{
    return state_keys_public(root, keys) ||
           fault_set(fault, FAULT_CRYPTO, "the keys of the core's state cannot be made");
}

static void forget_keys(void)
{
    for (size_t i = 0; i < OPEN_KEYS; i++)
        forget(&open_keys[i]);
    secret_wipe(root, sizeof root);
}

/* The thread of the pool is made in between: it has what this one has, and none can be made later. */
static bool close_up(struct fault *fault)
{
    return confine_process(CONFINE_SIGNER_MEMORY, VERIFIER_FD, fault) && confine_reach(fault) &&
           key_pool_start(fault) && confine_calls(&signer_calls, fault);
}

int main(int argc, char **argv)
{
    struct arena a;
    struct fault fault = {0};
    struct root_sealer sealer;
    struct state_keys keys;

    arena_init(&a, SIGNER_MEMORY);
    confine_lock_memory(CONFINE_SIGNER_MEMORY, root, sizeof root); /* the host tells when not all can be */
    bool ok = argc >= 2 && confine_start(&fault) && root_sealer_read(argv + 2, &sealer, &fault) &&
              root_key_load(argv[1], &sealer, &root_keeper_apart, &a, root, &fault);
    /* Its sealing key is open: from here on nothing else is. */
    if (!ok || !make_state_keys(&keys, &fault) || !close_up(&fault)) {
        fprintf(stderr, "assay-signer: %s\n", fault.text[0] ? fault.text : "it is started by assayd, with KEYFILE");
        return EXIT_FAILURE;
    }
    if (frame_write(VERIFIER_FD, FRAME_READY, write_state_keys(&a, &keys)))
        serve(&a);
    forget_keys();
    _exit(EXIT_SUCCESS); /* with the thread of the pool: to end it alone would take calls that nothing else needs */
}
