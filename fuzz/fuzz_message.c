/* The bodies of frames between host, verifier and signer, and a frame's header: what is read comes back when it is written
 * again, and nothing outside the body is read. */
#include <stdlib.h>

#include "core/key_evidence.h"
#include "core/key_life.h"
#include "core/message.h"
#include "core/record_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void same(struct bytes a, struct bytes b)
{
    must(bytes_equal(a, b));
}

static void requests(struct arena *a, struct bytes body)
{
    struct core_request attest;
    struct manage_request manage;
    struct sign_message sign;
    struct sealing sealing;
    struct key_evidence evidence;
    struct certify_message certify;
    struct provider_message provider;
    struct state_record record;
    struct retired_key retired[RETIRED_KEYS_MAX];
    struct provider_key key;
    struct key_request step;
    struct named_bytes named;
    size_t count;

    if (read_attest(body, &attest))
        same(write_attest(a, &attest), body);
    if (read_manage(body, &manage))
        same(write_manage(a, &manage), body);
    if (read_sign(body, &sign))
        same(write_sign(a, &sign), body);
    if (read_key_evidence(body, &evidence))
        same(write_key_evidence(a, &evidence), body);
    if (read_certify(body, &certify))
        same(write_certify(a, &certify), body);
    if (read_sealing(body, &sealing))
        same(write_sealing(a, &sealing), body);
    if (read_provider(body, &provider))
        same(write_provider(a, &provider), body);
    if (read_state_record(body, &record))
        same(write_state_record(a, &record), body);
    if (read_provider_key(body, &key))
        same(write_provider_key(a, &key), body);
    if (read_key_request(body, &step))
        same(write_key_request(a, &step), body);
    if (read_retired_keys(body, retired, &count))
        same(write_retired_keys(a, retired, count), body);
    if (read_named(body, &named))
        same(write_named(a, named.name, named.content), body);
}

static void answers(struct arena *a, struct bytes body)
{
    struct shadow_result shadow;
    struct outlook outlook;
    struct answered answered;
    struct settings settings;
    struct bytes spki;
    bool development;

    if (read_answer(body, &answered))
        must(answered.body.n <= body.n && answered.status >= 200 && answered.status <= 599);
    if (read_outlook(body, &outlook))
        same(write_outlook(a, &outlook), body);
    if (read_shadow(body, &shadow))
        same(write_shadow(a, &shadow), body);
    if (read_settings(a, body, &settings))
        same(write_settings(a, &settings), body);
    if (read_anchor(body, &spki, &development))
        must(spki.n == SHA256_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    uint32_t length;
    enum frame_kind kind;

    arena_init(&a, LIMIT_FRAME * 4);
    if (size >= FRAME_HEADER && frame_header(data, &length, &kind))
        must(length <= LIMIT_FRAME);
    requests(&a, bytes_make(data, size));
    answers(&a, bytes_make(data, size));
    arena_free(&a);
    return 0;
}
