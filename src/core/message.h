/* What the frames between host, verifier and signer hold. Each write_ has its read_; a read_ is false for a body that is not
 * exactly of its form. Views point into the body. */
#ifndef ASSAY_CORE_MESSAGE_H
#define ASSAY_CORE_MESSAGE_H

#include "core/core.h"
#include "core/frame.h"
#include "core/manage.h"
#include "core/platforms.h"
#include "core/sealed_key.h"
#include "core/platforms.h"

struct named_bytes {
    struct bytes name, content;
};

/* FRAME_SNAPSHOT_BEGIN: the settings that hold for every provider. */
struct bytes write_settings(struct arena *a, const struct settings *s);
bool read_settings(struct arena *a, struct bytes body, struct settings *out); /* what it holds of bytes is copied */
/* FRAME_ANCHOR: digest, and whether it is a simulated root. */
struct bytes write_anchor(struct arena *a, const uint8_t spki[SHA256_SIZE], bool development);
bool read_anchor(struct bytes body, struct bytes *spki, bool *development);
/* FRAME_ENDORSEMENT: file name, content. */
struct bytes write_named(struct arena *a, struct bytes name, struct bytes content);
bool read_named(struct bytes body, struct named_bytes *out);
/* FRAME_PROVIDER. FRAME_RECORD (core/record_seal.h) follows for every kind of record that there ever was of it, empty ones too, then
 * FRAME_PROVIDER_END without a body. */
struct provider_message {
    struct bytes issuer;
    bool shared; /* its policies cannot be changed */
};
struct bytes write_provider(struct arena *a, const struct provider_message *m);
bool read_provider(struct bytes body, struct provider_message *out);
/* FRAME_ATTEST. */
struct bytes write_attest(struct arena *a, const struct core_request *request);
bool read_attest(struct bytes body, struct core_request *out);
/* FRAME_MANAGE. */
struct bytes write_manage(struct arena *a, const struct manage_request *request);
bool read_manage(struct bytes body, struct manage_request *out);
/* FRAME_ANSWER: the answer, and what must be stored before it goes out. */
struct answered {
    int status;
    struct bytes code, body, failed_check;
    struct changes changes;
    struct bytes wanted,
        message; /* an endorsement that was not at hand, and the text of the error in body, which is given with it alone */
    struct bytes decision, keep;
    bool shadow_follows; /* the pair is busy until FRAME_SHADOW comes */
};
struct bytes write_answer(struct arena *a, const struct answer *answer, const struct changes *changes,
                          bool shadow_follows);
bool read_answer(struct bytes body, struct answered *out);
/* FRAME_OUTLOOK. */
struct bytes write_outlook(struct arena *a, const struct outlook *outlook);
bool read_outlook(struct bytes body, struct outlook *out);

/* FRAME_SHADOW. */
struct bytes write_shadow(struct arena *a, const struct shadow_result *result);
bool read_shadow(struct bytes body, struct shadow_result *out);
/* FRAME_SIGN: the canonical message, all that a signer ever parses; FRAME_MAKE_KEY holds an issuer alone. */
struct sign_message {
    enum token_form form;
    struct bytes issuer, kid, sealed_key, policy_hash, payload;
    struct bytes certificate; /* of the key; only reports have it */
};
struct bytes write_sign(struct arena *a, const struct sign_message *m);
bool read_sign(struct bytes body, struct sign_message *out);
/* FRAME_SEAL and FRAME_UNSEAL. */
struct bytes write_sealing(struct arena *a, const struct sealing *s);
bool read_sealing(struct bytes body, struct sealing *out);

#endif
