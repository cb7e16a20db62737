/* The key wrapped by a key that never leaves a token: an HSM, a smart card, SoftHSM. Tokens are reached by the modules that p11-kit
 * knows on this machine, and named with their key by a URI (RFC 7512). An AES key wraps with AES-GCM, an RSA key with OAEP. */
#include <errno.h>
#include <fcntl.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "sealer/sealers.h"

enum {
    PIN_MAX = 256,      /* tokens take 4 to 255 bytes */
    SLOTS_MAX = 256,    /* of one module */
    WRAPPED_MAX = 1024, /* RSA of 8192 bits */
};

struct token {
    CK_FUNCTION_LIST **modules, *module;
    P11KitUri *uri;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;      /* that opens */
    CK_OBJECT_HANDLE wrapping; /* the same, or the public half of an RSA key */
    CK_FLAGS flags;            /* of the token */
    bool is_open, is_rsa;
};

static bool did(CK_RV rv, const char *call, struct fault *fault)
{
    return rv == CKR_OK ||
           fault_set(fault, FAULT_SYSTEM, "the token, at %s: %s (0x%lx)", call, p11_kit_strerror(rv), rv);
}

static void close_token(struct token *t)
{
    if (t->is_open)
        t->module->C_CloseSession(t->session);
    if (t->modules)
        p11_kit_modules_finalize_and_release(t->modules);
    p11_kit_uri_free(t->uri);
    *t = (struct token){0};
}

/* Of a file that its owner alone can read, up to the end of its first line. */
static bool read_pin(const char *path, uint8_t pin[PIN_MAX], size_t *n, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t got = -1;

    if (fd < 0)
        return fault_set(fault, FAULT_SYSTEM, "cannot read the PIN's file %s: %s", path, strerror(errno));
    bool private = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0;
    if (private)
        got = read(fd, pin, PIN_MAX);
    close(fd);
    if (!private)
        return fault_set(fault, FAULT_SYSTEM,
                         "the PIN's file %s must be a file that its owner alone can read (mode 0600)", path);
    const uint8_t *end = got > 0 ? memchr(pin, '\n', (size_t)got) : NULL;
    *n = end ? (size_t)(end - pin) : got > 0 ? (size_t)got : 0;
    return (*n > 0 && *n < PIN_MAX) ||
           fault_set(fault, FAULT_USAGE, "the PIN's file %s holds no PIN of up to %d bytes", path, PIN_MAX - 1);
}

/* The file that the setting names, or the URI's pin-source. No PIN of the URI itself: settings stand in arguments, which every user
 * sees. */
static bool log_in(const struct root_sealer *s, struct token *t, struct fault *fault)
{
    const char *path = s->pin_file ? s->pin_file : p11_kit_uri_get_pin_source(t->uri);
    uint8_t pin[PIN_MAX];
    size_t n = 0;

    if (p11_kit_uri_get_pin_value(t->uri))
        return fault_set(fault, FAULT_USAGE, "a PIN does not belong into a URI: set [keys] sealer_pin_file");
    if (!path)
        return true;
    if (t->flags & CKF_USER_PIN_LOCKED)
        return fault_set(fault, FAULT_SYSTEM,
                         "the token has locked its PIN after wrong ones: its officer must reset it");
    /* Pairs start again and again: three wrong tries are soon made, and a token locked for good. */
    if (t->flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY))
        return fault_set(fault, FAULT_USAGE,
                         "the token got a wrong PIN last, and would lock itself after some more, so it is not asked: "
                         "correct the PIN's file, then log in once (pkcs11-tool --login --list-objects)");
    if (strncmp(path, "file:", 5) == 0)
        path += 5;
    CK_RV rv = CKR_OK;
    bool ok = read_pin(path, pin, &n, fault);
    if (ok)
        rv = t->module->C_Login(t->session, CKU_USER, pin, n);
    secret_wipe(pin, sizeof pin);
    if (rv == CKR_PIN_INCORRECT)
        return fault_set(fault, FAULT_USAGE,
                         "the token refuses the PIN of %s; it is not tried again, as tokens lock themselves", path);
    if (rv == CKR_PIN_LOCKED)
        return fault_set(fault, FAULT_SYSTEM,
                         "the token has locked its PIN after wrong ones: its officer must reset it");
    return ok && (rv == CKR_USER_ALREADY_LOGGED_IN || did(rv, "C_Login", fault));
}

/* The first token of a module that the URI fits. */
static bool find_slot(struct token *t, CK_SLOT_ID *out)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    CK_INFO library;

    if (t->module->C_GetInfo(&library) != CKR_OK || !p11_kit_uri_match_module_info(t->uri, &library) ||
        t->module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (t->module->C_GetTokenInfo(slots[i], &info) == CKR_OK && p11_kit_uri_match_token_info(t->uri, &info) &&
            (info.flags & CKF_TOKEN_INITIALIZED)) {
            *out = slots[i];
            t->flags = info.flags;
            return true;
        }
    return false;
}

static bool open_session(struct token *t, struct fault *fault)
{
    CK_SLOT_ID slot;

    for (size_t i = 0; t->modules[i]; i++) {
        t->module = t->modules[i];
        if (find_slot(t, &slot)) {
            t->is_open = did(t->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session),
                             "C_OpenSession", fault);
            return t->is_open;
        }
    }
    return fault_set(fault, FAULT_SYSTEM,
                     "no token is there that sealer_pkcs11 names (`p11-kit list-modules` shows those that are)");
}

/* An object of that class with the URI's name and id. More than one fault the URI: which of them is meant must be plain. */
static size_t find_object(struct token *t, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out)
{
    const CK_ATTRIBUTE_TYPE named[] = {CKA_LABEL, CKA_ID};
    CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof class}}, *part;
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0, n = 1;

    for (size_t i = 0; i < 2; i++)
        if ((part = p11_kit_uri_get_attribute(t->uri, named[i])))
            wanted[n++] = *part;
    if (n == 1 || t->module->C_FindObjectsInit(t->session, wanted, n) != CKR_OK)
        return 0;
    if (t->module->C_FindObjects(t->session, found, 2, &count) != CKR_OK)
        count = 0;
    t->module->C_FindObjectsFinal(t->session);
    if (count)
        *out = found[0];
    return count;
}

static bool is_of(struct token *t, CK_OBJECT_HANDLE object, CK_KEY_TYPE wanted)
{
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};

    return t->module->C_GetAttributeValue(t->session, object, &attribute, 1) == CKR_OK && type == wanted;
}

static bool find_key(struct token *t, struct fault *fault)
{
    size_t secret = find_object(t, CKO_SECRET_KEY, &t->key), private = 0;

    t->wrapping = t->key;
    if (!secret) {
        private = find_object(t, CKO_PRIVATE_KEY, &t->key);
        t->is_rsa = private != 0;
    }
    if (secret + private > 1)
        return fault_set(fault, FAULT_USAGE, "sealer_pkcs11 names more than one key: add its id");
    if (secret + private == 0)
        return fault_set(fault, FAULT_USAGE,
                         "the token has no key that sealer_pkcs11 names, or shows none without a PIN (object=NAME or "
                         "id=…; sealer_pin_file)");
    if (!is_of(t, t->key, t->is_rsa ? CKK_RSA : CKK_AES))
        return fault_set(fault, FAULT_USAGE, "the key that sealer_pkcs11 names is neither AES nor RSA");
    return !t->is_rsa || find_object(t, CKO_PUBLIC_KEY, &t->wrapping) == 1 ||
           fault_set(fault, FAULT_USAGE, "the token has no public key beside the private one that sealer_pkcs11 names");
}

static bool open_token(const struct root_sealer *s, struct token *t, struct fault *fault)
{
    *t = (struct token){.uri = p11_kit_uri_new()};
    if (!s->pkcs11 || !t->uri || p11_kit_uri_parse(s->pkcs11, P11_KIT_URI_FOR_ANY, t->uri) != P11_KIT_URI_OK ||
        p11_kit_uri_any_unrecognized(t->uri))
        return fault_set(fault, FAULT_USAGE,
                         "[keys] sealer_pkcs11 names no key: a URI as pkcs11:token=NAME;object=NAME (RFC 7512)");
    t->modules = p11_kit_modules_load_and_initialize(0);
    if (!t->modules)
        return fault_set(fault, FAULT_SYSTEM, "no PKCS#11 modules: %s", p11_kit_message());
    return open_session(t, fault) && log_in(s, t, fault) && find_key(t, fault);
}

/* The parameters of one wrapping; those of AES-GCM point to its IV. */
struct wrapping {
    CK_GCM_PARAMS gcm;
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    CK_MECHANISM mechanism;
};

/* OAEP with SHA-1, which is what all tokens have: nothing here rests on collisions being hard to find. */
static void set_up(struct wrapping *w, bool is_rsa, uint8_t iv[AEAD_IV_SIZE])
{
    *w = (struct wrapping){
        .gcm = {.pIv = iv, .ulIvLen = AEAD_IV_SIZE, .ulIvBits = 8 * AEAD_IV_SIZE, .ulTagBits = 8 * AEAD_TAG_SIZE},
        .oaep = {.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED}};
    if (is_rsa)
        w->mechanism = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &w->oaep, sizeof w->oaep};
    else
        w->mechanism = (CK_MECHANISM){CKM_AES_GCM, &w->gcm, sizeof w->gcm};
}

static bool wrap(struct token *t, uint8_t key[ROOT_KEY_SIZE], uint8_t iv[AEAD_IV_SIZE], struct arena *a,
                 struct bytes *wrapped, struct fault *fault)
{
    uint8_t *out = arena_alloc(a, WRAPPED_MAX);
    CK_ULONG n = WRAPPED_MAX;
    struct wrapping w;

    set_up(&w, t->is_rsa, iv);
    if (!did(t->module->C_EncryptInit(t->session, &w.mechanism, t->wrapping), "C_EncryptInit", fault) ||
        !did(t->module->C_Encrypt(t->session, key, ROOT_KEY_SIZE, out, &n), "C_Encrypt", fault))
        return false;
    *wrapped = bytes_make(out, n);
    return true;
}

static bool unwrap(struct token *t, struct bytes wrapped, uint8_t iv[AEAD_IV_SIZE], uint8_t key[ROOT_KEY_SIZE],
                   struct fault *fault)
{
    uint8_t out[WRAPPED_MAX];
    CK_ULONG n = sizeof out;
    struct wrapping w;

    set_up(&w, t->is_rsa, iv);
    if (!did(t->module->C_DecryptInit(t->session, &w.mechanism, t->key), "C_DecryptInit", fault))
        return false;
    CK_RV rv = t->module->C_Decrypt(t->session, (uint8_t *)(uintptr_t)wrapped.p, wrapped.n, out, &n);
    bool ok = rv == CKR_OK && n == ROOT_KEY_SIZE;
    if (ok)
        memcpy(key, out, ROOT_KEY_SIZE);
    secret_wipe(out, sizeof out);
    if (rv == CKR_DEVICE_REMOVED || rv == CKR_DEVICE_ERROR || rv == CKR_SESSION_HANDLE_INVALID)
        return did(rv, "C_Decrypt", fault);
    return ok ||
           fault_set(fault, FAULT_CRYPTO,
                     "the token's key does not open it: it was sealed by another key, or the file was changed (%s)",
                     p11_kit_strerror(rv));
}

static bool make(const struct root_sealer *s, struct arena *a, uint8_t key[ROOT_KEY_SIZE],
                 struct key_field fields[SEALER_FIELDS_MAX], size_t *count, struct fault *fault)
{
    uint8_t iv[AEAD_IV_SIZE];
    struct bytes wrapped;
    struct token t = {0};

    bool ok = (random_bytes(key, ROOT_KEY_SIZE) && random_bytes(iv, sizeof iv)) ||
              fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    ok = ok && open_token(s, &t, fault) && wrap(&t, key, iv, a, &wrapped, fault);
    bool is_rsa = ok && t.is_rsa;
    close_token(&t);
    if (!ok)
        return false;
    fields[(*count)++] =
        (struct key_field){BYTES_LIT("mechanism"), is_rsa ? BYTES_LIT("rsa-oaep") : BYTES_LIT("aes-gcm")};
    fields[(*count)++] = (struct key_field){BYTES_LIT("iv"), hex_encode(a, BYTES_OF(iv))};
    fields[(*count)++] = (struct key_field){BYTES_LIT("wrapped"), hex_encode(a, wrapped)};
    return true;
}

static bool recover(const struct root_sealer *s, const struct key_envelope *e, struct arena *a,
                    uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    struct bytes mechanism, iv_text, wrapped;
    uint8_t iv[AEAD_IV_SIZE];
    struct token t = {0};

    if (!key_envelope_field(e, "mechanism", &mechanism, fault) || !key_envelope_field(e, "iv", &iv_text, fault) ||
        !key_envelope_hex(a, e, "wrapped", &wrapped, fault))
        return false;
    if (!hex_decode_exact(iv_text, iv, sizeof iv) || wrapped.n > WRAPPED_MAX)
        return fault_set(fault, FAULT_SYNTAX, "a key whose \"iv\" or \"wrapped\" is damaged; restore the file");
    bool ok = open_token(s, &t, fault);
    if (ok && !bytes_is(mechanism, t.is_rsa ? "rsa-oaep" : "aes-gcm"))
        ok = fault_set(fault, FAULT_USAGE, "it was sealed by another kind of key than sealer_pkcs11 names now");
    ok = ok && unwrap(&t, wrapped, iv, key, fault);
    close_token(&t);
    return ok;
}

const struct key_sealer sealer_pkcs11 = {"pkcs11", make, recover};
