/* Quotes of the corpus with all that belongs to them, for tests that verify TPM evidence. */
#ifndef ASSAY_TESTS_TPM_H
#define ASSAY_TESTS_TPM_H

#include "intel.h"

#include "base/json.h"
#include "base/text.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "evidence/parts/tpm_verify.h"

/* How register values lie in a file: {"sha256":{"0":"<hex>"}}, {"0":"<hex>"} of one bank, all 24 values of a bank, or what
 * tpm2_quote -o writes: those that were quoted. */
enum pcr_form { PCRS_BANKS, PCRS_BANK, PCRS_RAW, PCRS_TOOL };

static inline uint16_t bank_by_name(struct bytes name)
{
    return bytes_is(name, "sha1") ? 0x0004 : bytes_is(name, "sha256") ? 0x000b : bytes_is(name, "sha384") ? 0x000c : 0;
}

static inline void put_bank(struct arena *a, const struct json *object, uint16_t id, struct tpm_pcrs *out)
{
    size_t bank = out->count++;

    out->banks[bank].id = id;
    out->banks[bank].known = tpm_alg_digest(id, &out->banks[bank].alg);
    JSON_EACH (member, object) {
        struct bytes text, value = BYTES_NONE;
        unsigned long index = strtoul(arena_string(a, member->name), NULL, 10);

        assert_true(index < TPM_PCRS && json_text(member, &text) && hex_decode(a, text, &value));
        out->banks[bank].value[index] = value;
    }
}

static inline const struct json *parse_json(struct arena *a, struct bytes text)
{
    const struct json *j;
    struct fault fault = {0};

    if (!json_parse(a, text, &(struct json_rules){0}, &j, &fault))
        fail_msg("%s", fault.text);
    return j;
}

/* Values one after another, in the order of the selection. `stride` and `sizes` are those of tpm2-tools' structures. */
static inline void put_values(const struct tpm_selection *s, struct bytes file, bool tool, struct tpm_pcrs *out)
{
    enum { SELECTION = 132, LISTS = 4, LIST = 532, DIGEST = 66, PER_LIST = 8 };
    size_t n = 0, at = 0;

    for (size_t b = 0; b < s->count; b++) {
        out->banks[b].id = s->banks[b].id;
        for (unsigned i = 0; i < TPM_PCRS; i++) {
            size_t size = tpm_alg_size(s->banks[b].id);

            if (!tool) {
                out->banks[b].value[i] = bytes_first(bytes_after(file, i * size), size);
                continue;
            }
            if (!(s->banks[b].mask >> i & 1))
                continue;
            at = SELECTION + LISTS + n / PER_LIST * LIST + 4 + n % PER_LIST * DIGEST + 2;
            out->banks[b].value[i] = bytes_first(bytes_after(file, at), size);
            n++;
        }
    }
    out->count = s->count;
}

static inline void load_pcrs(struct arena *a, struct bytes file, enum pcr_form form, const struct tpm_selection *s,
                             struct tpm_pcrs *out)
{
    *out = (struct tpm_pcrs){0};
    if (form == PCRS_RAW || form == PCRS_TOOL) {
        put_values(s, file, form == PCRS_TOOL, out);
        return;
    }
    const struct json *j = parse_json(a, file);
    if (form == PCRS_BANK)
        put_bank(a, j, s->banks[0].id, out);
    else
        JSON_EACH (bank, j)
            put_bank(a, bank, bank_by_name(bank->name), out);
}

/* A key in any form in which the corpus has one. */
static inline struct public_key load_key(struct arena *a, struct bytes file)
{
    struct tpm_public area;
    struct public_key key = {0};
    struct pem_block block;
    const struct certificate *c;
    struct fault fault = {0};
    bool found;

    if (bytes_begin(file, "-----BEGIN")) {
        assert_true(pem_next(a, &file, &block, &found) && found && public_key_decode(a, block.der, &key));
        return key;
    }
    if (file.p[0] == 0x30) {
        assert_true(certificate_decode(a, file, &c, &fault));
        return c->key;
    }
    if (!tpm_public_read(a, file, &area, &fault))
        fail_msg("%s", fault.text);
    return area.key;
}

#endif
