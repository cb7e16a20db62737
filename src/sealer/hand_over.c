#include "sealer/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "sealer/sealers.h"

enum { ANSWERED_RECORD = 8 + SHA256_SIZE, ANSWERED_MOST = 1024 /* grants of one node in a day */ };

static struct hand_over_exam exam_of(const struct hand_over_node *n, struct arena *a)
{
    return (struct hand_over_exam){a, trace_new(a), n->endorsements, n->settings, n->time};
}

static bool refuse(const struct hand_over_exam *x, const char *what, struct fault *fault)
{
    struct bytes message = trace_message(x->trace, x->arena);

    return fault_set(fault, FAULT_CRYPTO, "%s is refused: %.*s", what, (int)message.n, (const char *)message.p);
}

/* Own evidence is judged as the other's is: so a node learns here, not there, that something of its own is missing. */
static bool own_party(const struct hand_over_node *n, const struct hand_over_message *m, struct arena *a,
                      struct hand_over_party *own, struct fault *fault)
{
    struct hand_over_exam x = exam_of(n, a);

    return hand_over_judge(&x, m, own) || refuse(&x, "this node's own evidence", fault);
}

/* What runs here now, as its hardware tells: what lies on the disk may be another's. */
static bool ask_own(const struct hand_over_node *n, struct bytes body, struct arena *a, struct hand_over_party *own,
                    struct fault *fault)
{
    struct hand_over_message m = {.body = body};

    return n->evidence(n->context, body, a, &m.evidence, fault) && own_party(n, &m, a, own, fault);
}

static bool own_message(const struct hand_over_node *n, struct bytes body, struct arena *a, struct hand_over_party *own,
                        struct bytes *text, struct fault *fault)
{
    struct hand_over_message m = {.body = body};

    if (!n->evidence(n->context, body, a, &m.evidence, fault) || !own_party(n, &m, a, own, fault))
        return false;
    if (own->debug)
        return fault_set(fault, FAULT_CRYPTO, "this node may be debugged: start it without debugging");
    *text = hand_over_write(a, body, &m.evidence);
    return true;
}

static const char *beside(struct arena *a, const struct hand_over_node *n, const char *suffix)
{
    return arena_printf(a, "%s.%s", n->key_file, suffix);
}

static bool has_no_key(const struct hand_over_node *n, struct fault *fault)
{
    struct stat st;

    return (lstat(n->key_file, &st) != 0 && errno == ENOENT) ||
           fault_set(fault, FAULT_USAGE,
                     "there is a key file %s already: a node has one root key; take it away where it is of no use",
                     n->key_file);
}

bool hand_over_offer(const struct hand_over_node *n, struct arena *a, struct bytes *offer, struct fault *fault)
{
    uint8_t nonce[HAND_OVER_NONCE], secret[X25519_SIZE], key[X25519_SIZE];
    struct hand_over_party own;
    struct bytes sealed = BYTES_NONE;

    if (!has_no_key(n, fault))
        return false;
    bool ok =
        (random_bytes(nonce, sizeof nonce) && random_bytes(secret, sizeof secret) && x25519_public(secret, key)) ||
        fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    ok = ok && own_message(n, hand_over_offer_body(a, n->time, nonce, key), a, &own, offer, fault) &&
         sealers_seal(n->sealer, KEY_HOLDS_OFFER, secret, a, &sealed, fault) &&
         key_file_replace(beside(a, n, "offer"), sealed, fault) &&
         key_file_replace(beside(a, n, "offered"), *offer, fault);
    secret_wipe(secret, sizeof secret);
    secret_wipe((void *)(uintptr_t)sealed.p, sealed.n);
    return ok;
}

/* Whether the offer is among the answered, of which those that have run out are dropped; with it at the end. */
static bool was_answered(struct bytes list, int64_t oldest, int64_t made, const uint8_t digest[SHA256_SIZE],
                         struct writer *next)
{
    struct reader r = rd_open(list);
    bool found = false;

    while (rd_left(&r)) {
        int64_t time = (int64_t)rd_u64le(&r);
        struct bytes other = rd_take(&r, SHA256_SIZE);

        if (time < oldest)
            continue;
        found = found || bytes_equal(other, bytes_make(digest, SHA256_SIZE));
        wr_u64le(next, (uint64_t)time);
        wr_put(next, other);
    }
    wr_u64le(next, (uint64_t)made);
    wr_put(next, bytes_make(digest, SHA256_SIZE));
    return found;
}

/* Its number is remembered before anything is given out. One grant at a time: the lock is the key file's. */
static bool answer_once(const struct hand_over_node *n, struct hand_over_exam *x, const struct hand_over_offer *o,
                        struct fault *fault)
{
    const char *path = beside(x->arena, n, "granted");
    struct writer next = wr_open(x->arena);
    uint8_t digest[SHA256_SIZE];
    struct bytes list;
    bool there;

    if (!key_file_read(path, x->arena, &there, &list, fault))
        return false;
    if (list.n % ANSWERED_RECORD || list.n > (size_t)ANSWERED_RECORD * ANSWERED_MOST)
        return fault_set(fault, FAULT_SYNTAX,
                         "%s is damaged: no offer can be answered while what was answered is unknown; "
                         "take it away a day after the last grant",
                         path);
    sha256(o->message.body, digest);
    bool answered = was_answered(list, n->time - HAND_OVER_SECONDS - HAND_OVER_SKEW, o->time, digest, &next);
    return (hand_over_fresh(x, answered) || refuse(x, "the offer", fault)) &&
           key_file_replace(path, wr_done(&next), fault);
}

static bool grant_body(const struct hand_over_node *n, struct bytes offer, const struct hand_over_offer *o,
                       struct arena *a, struct bytes *body, struct root_name *name, struct fault *fault)
{
    uint8_t secret[X25519_SIZE], iv[AEAD_IV_SIZE], root[ROOT_KEY_SIZE];
    struct bytes text = BYTES_NONE;
    bool there;
    bool ok = (random_bytes(secret, sizeof secret) && random_bytes(iv, sizeof iv)) ||
              fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    ok = ok && key_file_read(n->key_file, a, &there, &text, fault) &&
         (there || fault_set(fault, FAULT_USAGE, "there is no key file %s to hand over", n->key_file)) &&
         sealers_open(n->sealer, bytes_text(n->sealer->name), KEY_HOLDS_ROOT, text, a, root, fault) &&
         (hand_over_grant_body(a, n->time, offer, o, secret, iv, root, body) ||
          fault_set(fault, FAULT_CRYPTO, "the offer's key is none"));
    if (ok)
        root_name(root, name);
    secret_wipe(root, sizeof root);
    secret_wipe(secret, sizeof secret);
    secret_wipe((void *)(uintptr_t)text.p, text.n);
    return ok;
}

static bool judge_offer(struct hand_over_exam *x, struct bytes text, struct hand_over_offer *o,
                        struct hand_over_party *other, struct fault *fault)
{
    return (hand_over_read_offer(x, text, o) && hand_over_in_time(x, o->time) &&
            hand_over_judge(x, &o->message, other)) ||
           refuse(x, "the offer", fault);
}

static bool grant_locked(const struct hand_over_node *n, struct bytes offer, struct arena *a, struct bytes *grant,
                         struct root_name *name, struct fault *fault)
{
    struct hand_over_exam x = exam_of(n, a);
    struct hand_over_party own, other;
    struct hand_over_offer o;
    struct bytes body;

    /* What this node is, is asked before the root is opened. */
    if (!judge_offer(&x, offer, &o, &other, fault) || !ask_own(n, offer, a, &own, fault))
        return false;
    if (!hand_over_same(&x, &other, &own))
        return refuse(&x, "the offer", fault);
    return answer_once(n, &x, &o, fault) && grant_body(n, offer, &o, a, &body, name, fault) &&
           own_message(n, body, a, &own, grant, fault);
}

bool hand_over_grant(const struct hand_over_node *n, struct bytes offer, struct arena *a, struct bytes *grant,
                     struct root_name *name, struct fault *fault)
{
    int fd = open(n->key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        fault_set(fault, FAULT_SYSTEM, "cannot read the key file %s: %s", n->key_file, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ok = grant_locked(n, offer, a, grant, name, fault);
    close(fd);
    return ok;
}

/* The offer that this node made last, and its secret. */
static bool read_offered(const struct hand_over_node *n, struct arena *a, struct bytes *offer,
                         uint8_t secret[X25519_SIZE], struct fault *fault)
{
    struct bytes sealed;
    bool there, offered;

    if (!key_file_read(beside(a, n, "offer"), a, &there, &sealed, fault) ||
        !key_file_read(beside(a, n, "offered"), a, &offered, offer, fault))
        return false;
    if (!there || !offered)
        return fault_set(fault, FAULT_USAGE, "this node has made no offer, or took its grant already");
    return sealers_open(n->sealer, bytes_text(n->sealer->name), KEY_HOLDS_OFFER, sealed, a, secret, fault);
}

static bool take_root(const struct hand_over_node *n, const uint8_t root[ROOT_KEY_SIZE], struct arena *a,
                      struct fault *fault)
{
    struct bytes text = BYTES_NONE;
    bool ok =
        sealers_seal(n->sealer, KEY_HOLDS_ROOT, root, a, &text, fault) && key_file_create(n->key_file, text, fault);

    secret_wipe((void *)(uintptr_t)text.p, text.n);
    if (ok) { /* whoever steals them later has nothing */
        unlink(beside(a, n, "offer"));
        unlink(beside(a, n, "offered"));
    }
    return ok;
}

bool hand_over_accept(const struct hand_over_node *n, struct bytes grant, struct arena *a, struct root_name *name,
                      struct fault *fault)
{
    struct hand_over_exam x = exam_of(n, a), offered = exam_of(n, a);
    uint8_t secret[X25519_SIZE], root[ROOT_KEY_SIZE];
    struct hand_over_party own, then, other;
    struct hand_over_offer o;
    struct hand_over_grant g;
    struct bytes offer;

    if (!has_no_key(n, fault) || !read_offered(n, a, &offer, secret, fault))
        return false;
    /* An offer of another program may have been put in the place of ours, with our key in it: its maker would be whom we take the root
     * from. */
    bool ok = judge_offer(&offered, offer, &o, &then, fault) && ask_own(n, offer, a, &own, fault) &&
              (hand_over_same(&offered, &then, &own) || refuse(&offered, "the offer that lies here", fault));
    ok = ok && ((hand_over_read_grant(&x, grant, &g) && hand_over_in_time(&x, g.time) &&
                 hand_over_judge(&x, &g.message, &other) && hand_over_same(&x, &other, &own) &&
                 hand_over_open(&x, &g, offer, secret, root)) ||
                refuse(&x, "the grant", fault));
    secret_wipe(secret, sizeof secret);
    if (ok)
        root_name(root, name);
    ok = ok && take_root(n, root, a, fault);
    secret_wipe(root, sizeof root);
    return ok;
}
