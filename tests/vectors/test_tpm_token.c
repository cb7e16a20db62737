/* The form of a TPM's token, against the one that the vendor published (spec/tokens/doc-tpm-windows11.json; claims.md 8.3). */
#include "arena_test.h"

#include "base/json.h"
#include "base/text.h"
#include "token/token.h"

/* How many members stand before the claims that the policy issued. */
enum { FIXED_MEMBERS = 11 };

static void same_order_same_types(void **state)
{
    const struct json *sample, *ours, *payload;
    struct claims proven, issued;
    struct bytes jti;
    size_t at = 0;
    int64_t iat, exp;

    (void)state;
    NEED_SHARED("the published token of a TPM");
    assert_true(json_parse(&arena, read_shared(&arena, "spec/tokens/doc-tpm-windows11.json"), NULL, &sample, NULL));
    payload = json_member(sample, "payload");
    claims_init(&proven, &arena);
    claims_init(&issued, &arena);
    claims_text(&proven, "rp_data", json_member(payload, "rp_data")->text, CLAIM_TOKEN);
    claims_json(&proven, "cnf", json_member(payload, "cnf"), CLAIM_TOKEN);
    JSON_EACH (m, payload) {
        struct claim c = {.type = m->name, .issuer = ISSUER_POLICY, .flags = CLAIM_POLICY | CLAIM_TOKEN};

        if (at++ < FIXED_MEMBERS)
            continue;
        for (const struct json *v = m->kind == JSON_ARRAY ? m->first : m; v;
             v = m->kind == JSON_ARRAY ? v->next : NULL) {
            c.value = (struct claim_value){.kind = v->kind == JSON_STRING    ? CLAIM_STRING
                                                   : v->kind == JSON_INTEGER ? CLAIM_INTEGER
                                                                             : CLAIM_BOOLEAN,
                                           .text = v->text,
                                           .integer = v->kind == JSON_TRUE ? 1 : v->integer};
            claims_add(&issued, c);
        }
    }
    assert_true(json_integer(json_member(payload, "iat"), &iat) && json_integer(json_member(payload, "exp"), &exp));
    assert_true(hex_decode(&arena, json_member(payload, "jti")->text, &jti));
    const struct token_frame frame = {.issuer = json_member(payload, "iss")->text,
                                      .time = iat,
                                      .lifetime = exp - iat,
                                      .jti_entropy = jti,
                                      .type = BYTES_LIT("tpm"),
                                      .policy_hash = json_member(payload, "x-ms-policy-hash")->text};
    assert_true(json_parse(&arena, token_report_payload(&arena, &frame, &proven, &issued), NULL, &ours, NULL));
    /* The same but for the type, which the sample of 2021 does not have. */
    struct json *rest = json_new(&arena, JSON_OBJECT);
    JSON_EACH (m, ours)
        if (!bytes_is(m->name, "x-ms-attestation-type"))
            json_set(rest, m->name, json_link(&arena, m));
    assert_int_equal(rest->count + 1, ours->count);
    assert_bytes_equal(json_print(&arena, rest, JSON_IN_ORDER), json_print(&arena, payload, JSON_IN_ORDER));
}

static void same_header(void **state)
{
    const struct json *sample, *ours, *theirs;

    (void)state;
    NEED_SHARED("the published token of a TPM");
    assert_true(json_parse(&arena, read_shared(&arena, "spec/tokens/doc-tpm-windows11.json"), NULL, &sample, NULL));
    theirs = json_member(sample, "header")->first;
    assert_true(json_parse(&arena, token_report_header(&arena, TOKEN_REPORT, BYTES_LIT("DER")), NULL, &ours, NULL));
    JSON_EACH (m, ours) {
        assert_non_null(theirs);
        assert_bytes_equal(m->name, theirs->name);
        assert_int_equal(m->kind, theirs->kind);
        if (bytes_is(m->name, "kid"))
            assert_int_equal(m->text.n, theirs->text.n);
        theirs = theirs->next;
    }
    assert_null(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_order_same_types),
        cmocka_unit_test(same_header),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
