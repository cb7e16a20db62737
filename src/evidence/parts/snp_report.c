#include "evidence/parts/snp_report.h"

enum { NUMBER_SIZE = 72, NUMBER_USED = 48 }; /* r and s: little endian, of which P-384 needs the low part */

/* Little-endian number to the big endian of its used part; what is above it must be zero. */
static bool put_number(struct writer *w, struct bytes number)
{
    for (size_t i = NUMBER_USED; i-- > 0;)
        wr_u8(w, i < number.n ? number.p[i] : 0);
    return bytes_all_zero(bytes_after(number, NUMBER_USED));
}

static void must(struct snp_report *out, bool ok, const char *what)
{
    if (!ok && !out->reserved)
        out->reserved = what;
}

static void must_be_zero(struct snp_report *out, struct reader *r, size_t n, const char *what)
{
    must(out, bytes_all_zero(rd_take(r, n)), what);
}

static struct snp_firmware read_firmware(struct reader *r)
{
    struct snp_firmware f = {.build = rd_u8(r)};

    f.minor = rd_u8(r);
    f.major = rd_u8(r);
    return f;
}

static void read_guest(struct reader *r, struct snp_report *out)
{
    out->version = rd_u32le(r);
    out->guest_svn = rd_u32le(r);
    out->policy = rd_u64le(r);
    must(out, snp_policy_has(out, SNP_POLICY_RESERVED_ONE), "bit 17 of POLICY is not set");
    out->family_id = rd_take(r, 16);
    out->image_id = rd_take(r, 16);
    out->vmpl = rd_u32le(r);
    out->algorithm = rd_u32le(r);
    out->current_tcb = rd_take(r, SNP_TCB_SIZE);
    out->platform_info = rd_u64le(r);
    out->key_word = rd_u32le(r);
    must(out, out->key_word >> 5 == 0, "reserved bits of the key word are set");
    must_be_zero(out, r, 4, "bytes 0x4c to 0x4f are not zero");
    out->report_data = rd_take(r, 64);
    out->measurement = rd_take(r, 48);
    out->host_data = rd_take(r, 32);
    out->id_key_digest = rd_take(r, 48);
    out->author_key_digest = rd_take(r, 48);
    out->report_id = rd_take(r, 32);
    out->report_id_ma = rd_take(r, 32);
}

static void read_platform(struct reader *r, struct snp_report *out)
{
    out->reported_tcb = rd_take(r, SNP_TCB_SIZE);
    struct reader cpuid = rd_open(rd_take(r, 3));
    if (out->version >= SNP_VERSION_CPUID) {
        out->family = rd_u8(&cpuid);
        out->model = rd_u8(&cpuid);
        out->stepping = rd_u8(&cpuid);
    } else {
        must_be_zero(out, &cpuid, 3, "bytes 0x188 to 0x18a are not zero");
    }
    must_be_zero(out, r, 21, "bytes 0x18b to 0x19f are not zero");
    out->chip_id = rd_take(r, SNP_CHIP_ID_SIZE);
    out->committed_tcb = rd_take(r, SNP_TCB_SIZE);
    out->current = read_firmware(r);
    must_be_zero(out, r, 1, "byte 0x1eb is not zero");
    out->committed = read_firmware(r);
    must_be_zero(out, r, 1, "byte 0x1ef is not zero");
    out->launch_tcb = rd_take(r, SNP_TCB_SIZE);
    struct reader vectors = rd_open(rd_take(r, 16));
    if (out->version >= SNP_VERSION_MITIGATION) {
        out->launch_mitigation = rd_u64le(&vectors);
        out->current_mitigation = rd_u64le(&vectors);
    } else {
        must_be_zero(out, &vectors, 16, "bytes 0x1f8 to 0x207 are not zero");
    }
    must_be_zero(out, r, 152, "bytes 0x208 to 0x29f are not zero");
}

bool snp_report_read(struct arena *a, struct bytes b, struct snp_report *out)
{
    struct reader r = rd_open(b);
    struct writer signature = wr_open(a);

    *out = (struct snp_report){.signed_part = bytes_first(b, SNP_REPORT_SIGNED)};
    read_guest(&r, out);
    read_platform(&r, out);
    must(out, put_number(&signature, rd_take(&r, NUMBER_SIZE)), "r of the signature is longer than its curve");
    must(out, put_number(&signature, rd_take(&r, NUMBER_SIZE)), "s of the signature is longer than its curve");
    out->signature = wr_done(&signature);
    must_be_zero(out, &r, SNP_REPORT_SIZE - SNP_REPORT_SIGNED - 2 * NUMBER_SIZE,
                 "bytes behind the signature are not zero");
    return rd_end(&r);
}

enum snp_signing_key snp_report_key(const struct snp_report *r)
{
    return (enum snp_signing_key)(r->key_word >> 2 & 7);
}

bool snp_report_key_masked(const struct snp_report *r)
{
    return r->key_word >> 1 & 1;
}

bool snp_report_author_key(const struct snp_report *r)
{
    return r->key_word & 1;
}

/* Combined family and model (snp-cvm.md 1.4). Genoa's second range is Bergamo and Siena. */
static const struct processors {
    uint8_t family, least, most;
    enum snp_product product;
} processors[] = {
    {0x19, 0x00, 0x0f, SNP_MILAN},
    {0x19, 0x10, 0x1f, SNP_GENOA},
    {0x19, 0xa0, 0xaf, SNP_GENOA},
    {0x1a, 0x00, 0x11, SNP_TURIN},
};

bool snp_report_product(const struct snp_report *r, enum snp_product *out)
{
    for (size_t i = 0; i < sizeof processors / sizeof *processors; i++)
        if (r->family == processors[i].family && r->model >= processors[i].least && r->model <= processors[i].most) {
            *out = processors[i].product;
            return true;
        }
    return false;
}
