#include "agent/sev_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/limits.h"
#include "crypto/digest.h"
#include "crypto/pem.h"

/* As the kernel declares them (include/uapi/linux/sev-guest.h); its header is not everywhere that this is built. */
struct request {
    uint8_t version, padding[7];
    uint64_t ask, answer;
    uint64_t status; /* low half the firmware's, high half the host's */
};
struct report_ask {
    uint8_t data[AGENT_REPORT_DATA];
    uint32_t vmpl;
    uint8_t reserved[28];
};
struct extended_ask {
    struct report_ask report;
    uint64_t certificates;
    uint32_t certificates_size, padding;
};
struct report_answer {
    uint8_t data[4000];
};
struct key_ask {
    uint32_t root, reserved;
    uint64_t fields;
    uint32_t vmpl, guest_svn;
    uint64_t tcb_version;
};
struct key_answer {
    uint8_t data[64];
};
_Static_assert(sizeof(struct request) == 32 && sizeof(struct report_ask) == 96 && sizeof(struct extended_ask) == 112 &&
                   sizeof(struct key_ask) == 32,
               "as the kernel has them");

enum {
    ANSWER_STATUS = 0,
    ANSWER_SIZE = 4,
    ANSWER_REPORT = 32,
    ANSWER_KEY = 32,
    HOST_INVALID_LENGTH = 1, /* the table of certificates has no room */
    PAGE = 4096,
};
#define GET_REPORT          _IOWR('S', 0, struct request)
#define GET_DERIVED_KEY     _IOWR('S', 1, struct request)
#define GET_EXTENDED_REPORT _IOWR('S', 2, struct request)

static bool refused(const struct request *r, int error, struct fault *fault)
{
    if (error == ENOTTY)
        return fault_set(fault, FAULT_SYSTEM,
                         AGENT_SEV_GUEST_DEVICE
                         ": the channel to the firmware is closed since an error; only a reboot opens it");
    return fault_set(fault, FAULT_SYSTEM, AGENT_SEV_GUEST_DEVICE ": %s (firmware %#x, host %#x)", strerror(error),
                     (unsigned)r->status, (unsigned)(r->status >> 32));
}

static bool take_report(const struct report_answer *answer, struct arena *a, struct agent_report *out,
                        struct fault *fault)
{
    struct reader r = rd_open(BYTES_OF(answer->data));
    uint32_t status = rd_u32le(&r), size = rd_u32le(&r);

    rd_skip(&r, ANSWER_REPORT - 8);
    out->provider = AGENT_SEV_GUEST;
    out->report = arena_copy(a, rd_take(&r, size));
    if (status)
        return fault_set(fault, FAULT_SYSTEM, AGENT_SEV_GUEST_DEVICE ": the firmware refuses with %#x", status);
    return (rd_ok(&r) && size) || fault_set(fault, FAULT_SYNTAX, AGENT_SEV_GUEST_DEVICE ": a report of %u bytes", size);
}

static bool ask_plain(const struct agent_sev_guest *device, const struct report_ask *ask, struct arena *a,
                      struct agent_report *out, struct fault *fault)
{
    struct report_answer answer = {{0}};
    struct request r = {
        .version = 1, .ask = (uint64_t)(uintptr_t)ask, .answer = (uint64_t)(uintptr_t)&answer, .status = 0xff};

    if (device->call(device->context, GET_REPORT, &r) != 0)
        return refused(&r, errno, fault);
    return take_report(&answer, a, out, fault);
}

bool agent_sev_guest_ask(const struct agent_sev_guest *device, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                         struct agent_report *out, struct fault *fault)
{
    struct extended_ask ask = {.certificates_size = LIMIT_CERTIFICATE_TABLE};
    struct report_answer answer = {{0}};
    struct request r = {
        .version = 1, .ask = (uint64_t)(uintptr_t)&ask, .answer = (uint64_t)(uintptr_t)&answer, .status = 0xff};
    uint8_t *room = arena_alloc(a, LIMIT_CERTIFICATE_TABLE + PAGE);

    room += (PAGE - (uintptr_t)room % PAGE) % PAGE; /* the kernel hands whole pages to the host */
    memcpy(ask.report.data, data, AGENT_REPORT_DATA);
    ask.certificates = (uint64_t)(uintptr_t)room;
    *out = (struct agent_report){0};
    if (device->call(device->context, GET_EXTENDED_REPORT, &r) == 0) {
        out->certificates = bytes_make(room, LIMIT_CERTIFICATE_TABLE);
        return take_report(&answer, a, out, fault);
    }
    /* Room enough for every host's table was offered: one that wants more has none for us. */
    if (errno == ENOTTY || (errno == EIO && r.status >> 32 != HOST_INVALID_LENGTH))
        return refused(&r, errno, fault);
    return ask_plain(device, &ask.report, a, out, fault);
}

static int call_device(void *context, unsigned long request, void *argument)
{
    return ioctl(*(const int *)context, request, argument);
}

static int open_device(const char *path, struct fault *fault)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        fault_set(fault, FAULT_SYSTEM, "%s: %s; is this an SEV-SNP guest whose kernel has the module sev_guest?", path,
                  strerror(errno));
    return fd;
}

bool agent_sev_guest_report(const char *path, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                            struct agent_report *out, struct fault *fault)
{
    int fd = open_device(path, fault);
    struct agent_sev_guest device = {call_device, &fd};
    bool ok;

    if (fd < 0)
        return false;
    ok = agent_sev_guest_ask(&device, data, a, out, fault);
    close(fd);
    return ok;
}

bool agent_sev_guest_key_ask(const struct agent_sev_guest *device, enum agent_key_fields fields,
                             uint8_t key[AGENT_DERIVED_KEY], struct fault *fault)
{
    const struct key_ask ask = {.fields = fields};
    struct key_answer answer = {{0}};
    struct request r = {
        .version = 1, .ask = (uint64_t)(uintptr_t)&ask, .answer = (uint64_t)(uintptr_t)&answer, .status = 0xff};

    if (device->call(device->context, GET_DERIVED_KEY, &r) != 0)
        return refused(&r, errno, fault);
    struct reader status = rd_open(BYTES_OF(answer.data));
    uint32_t refusal = rd_u32le(&status);
    bool ok = refusal == 0 && !bytes_all_zero(bytes_make(answer.data + ANSWER_KEY, AGENT_DERIVED_KEY));
    if (ok)
        memcpy(key, answer.data + ANSWER_KEY, AGENT_DERIVED_KEY);
    secret_wipe(&answer, sizeof answer);
    return ok || fault_set(fault, FAULT_SYSTEM, AGENT_SEV_GUEST_DEVICE ": the firmware derives no key (%#x)", refusal);
}

bool agent_sev_guest_key(const char *path, enum agent_key_fields fields, uint8_t key[AGENT_DERIVED_KEY],
                         struct fault *fault)
{
    int fd = open_device(path, fault);
    struct agent_sev_guest device = {call_device, &fd};

    if (fd < 0)
        return false;
    bool ok = agent_sev_guest_key_ask(&device, fields, key, fault);
    close(fd);
    return ok;
}

/* Ids of entries, as they lie in the table: in the order of their text. */
static const uint8_t leaf_ids[2][16] = {
    {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
    {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1}};
static const uint8_t ask_id[16] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                                   0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
static const uint8_t ark_id[16] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                                   0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};

static bool find_entry(struct bytes table, const uint8_t id[16], struct bytes *content, struct fault *fault)
{
    struct reader r = rd_open(table);

    *content = BYTES_NONE;
    for (size_t i = 0; i < LIMIT_CERTIFICATE_ENTRIES && rd_left(&r); i++) {
        struct bytes found = rd_take(&r, 16), within;
        uint32_t offset = rd_u32le(&r), size = rd_u32le(&r);

        if (!rd_ok(&r) || bytes_all_zero(found))
            return rd_ok(&r) || fault_set(fault, FAULT_SYNTAX, "the host's table of certificates has no end");
        if (!bytes_equal(found, bytes_make(id, 16)))
            continue;
        within = bytes_first(bytes_after(table, offset), size);
        if (within.n != size || size == 0)
            return fault_set(fault, FAULT_SYNTAX, "the host's table of certificates points outside of itself");
        *content = within;
        return true;
    }
    return true;
}

/* DER, or PEM as some hosts have it (snp-cvm.md 5.4). */
static void put_certificate(struct writer *w, struct bytes content)
{
    if (!bytes_begin(content, "-----BEGIN")) {
        if (content.n)
            wr_pem(w, "CERTIFICATE", content);
        return;
    }
    content = bytes_trim_end(content);
    wr_put(w, content);
    wr_u8(w, '\n');
}

bool agent_certificates(struct arena *a, struct bytes table, struct bytes *pem, struct fault *fault)
{
    struct writer w = wr_open(a);
    struct bytes leaf, ask, ark;

    *pem = BYTES_NONE;
    if (!table.n || !find_entry(table, leaf_ids[0], &leaf, fault))
        return !table.n;
    if ((!leaf.n && !find_entry(table, leaf_ids[1], &leaf, fault)) || !find_entry(table, ask_id, &ask, fault) ||
        !find_entry(table, ark_id, &ark, fault))
        return false;
    if (!leaf.n)
        return true;
    put_certificate(&w, leaf);
    put_certificate(&w, ask);
    put_certificate(&w, ark);
    *pem = wr_done(&w);
    return true;
}
