/* TCB info and QE identity of the platform. */
#include "base/clock.h"
#include "base/text.h"
#include "simulate/platform.h"

enum { COMPONENTS = 16 };

static void components(struct writer *w, const char *member, int svn)
{
    wr_printf(w, "\"%s\":[", member);
    for (int i = 0; i < COMPONENTS; i++)
        wr_printf(w, "%s{\"svn\":%d}", i ? "," : "", svn);
    wr_text(w, "],");
}

/* The second is the module's version, which the levels of its identity judge. */
static void tdx_components(struct writer *w, int svn)
{
    wr_text(w, "\"tdxtcbcomponents\":[");
    for (int i = 0; i < COMPONENTS; i++)
        wr_printf(w, "%s{\"svn\":%d}", i ? "," : "", i == 1 ? 0 : svn);
    wr_text(w, "],");
}

/* Of which TEE the TCB info is. */
static bool is_tdx(const struct platform *p)
{
    return (platform_is_tdx(p) && !platform_fault(p, "intel.tcb_info.present:sgx")) ||
           platform_fault(p, "intel.tcb_info.present:tdx");
}

static void level(struct writer *w, const struct platform *p, int svn, const char *status)
{
    wr_text(w, "{\"tcb\":{");
    if (p->options->tcb_info_version == 2)
        for (int i = 1; i <= COMPONENTS; i++)
            wr_printf(w, "\"sgxtcbcomp%02dsvn\":%d,", i, svn);
    else
        components(w, "sgxtcbcomponents", svn);
    if (is_tdx(p))
        tdx_components(w, svn);
    wr_printf(w, "\"pcesvn\":%d},\"tcbDate\":\"2025-08-13T00:00:00Z\",\"tcbStatus\":\"%s\"",
              svn + PLATFORM_PCESVN - PLATFORM_SVN, status);
    if (strcmp(status, "UpToDate") != 0)
        wr_text(w, ",\"advisoryIDs\":[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]");
    wr_text(w, "}");
}

static const char *platform_status(const struct platform *p)
{
    if (platform_fault(p, "intel.tcb.status"))
        return "OutOfDate";
    if (platform_fault(p, "intel.tcb.status:revoked"))
        return "Revoked";
    if (platform_fault(p, "intel.tcb.status:unsupported"))
        return "TCB_NOT_SUPPORTED";
    return p->options->status ? p->options->status : "UpToDate";
}

/* The platform meets the second of three levels, or is below the only one. */
static void levels(struct writer *w, const struct platform *p)
{
    const char *status = platform_status(p);

    level(w, p, PLATFORM_SVN + 1, "UpToDate");
    if (strcmp(status, "TCB_NOT_SUPPORTED") == 0)
        return;
    wr_text(w, ",");
    level(w, p, PLATFORM_SVN, status);
    wr_text(w, ",");
    level(w, p, PLATFORM_SVN - 1, "OutOfDate");
}

static void dates(struct writer *w, const struct platform *p, const char *kind)
{
    char issued[32], next[32];
    bool future = platform_fault_of(p, "intel.%s.issued", kind), over = platform_fault_of(p, "intel.%s.fresh", kind);

    time_format(p->now + (future ? DAY : -10 * DAY), issued);
    time_format(p->now + (over ? -DAY : 20 * DAY), next);
    wr_printf(w, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",", issued, next);
}

/* {"member":inner,"signature":hex} */
static struct bytes sign_document(struct platform *p, const char *member, const char *kind, struct bytes inner)
{
    static const uint8_t zero[64] = {0};
    bool forged = platform_fault_of(p, "intel.%s.signature", kind);
    struct bytes signature = platform_sign(p, forged ? KEY_FORGER : KEY_SIGNER, inner);
    struct writer w = wr_open(p->arena);

    if (platform_fault_of(p, "intel.%s.signature:zero", kind))
        signature = BYTES_OF(zero);
    /* The last digit of issueDate's year: another document of the same form. */
    const char *date = memmem(inner.p, inner.n, "\"issueDate\":\"", 13);
    if (date && platform_fault_of(p, "intel.%s.signature:changed", kind))
        inner = platform_flip(p, inner, (size_t)(date + 13 + 3 - (const char *)inner.p));
    wr_printf(&w, "{\"%s\":", member);
    wr_put(&w, inner);
    wr_text(&w, ",\"signature\":\"");
    wr_hex(&w, signature);
    wr_text(&w, "\"}");
    return wr_done(&w);
}

static const char *module_status(const struct platform *p)
{
    if (platform_fault(p, "intel.tcb.status:module") || platform_fault(p, "intel.tcb.status:relaunch"))
        return "OutOfDate";
    return p->options->module_status ? p->options->module_status : "UpToDate";
}

/* Signer and attributes: of Intel's modules all zero. */
static void module_fields(struct writer *w, const struct platform *p)
{
    wr_printf(w, "\"mrsigner\":\"%096d\",\"attributes\":\"%s%014d\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"", 0,
              platform_fault(p, "tdx.module.attributes:as-described") ? "01" : "00", 0);
}

/* Modules without a version, and TDX_01, which meets the second of two levels or none. */
static void tdx_modules(struct writer *w, const struct platform *p)
{
    const char *status = module_status(p);
    bool unsupported = strcmp(status, "TCB_NOT_SUPPORTED") == 0;

    wr_text(w, "\"tdxModule\":{");
    module_fields(w, p);
    wr_printf(w, "},\"tdxModuleIdentities\":[{\"id\":\"TDX_%02X\",", MODULE_VERSION);
    module_fields(w, p);
    wr_printf(
        w, ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"2025-08-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}",
        MODULE_SVN_NEWEST);
    if (!unsupported)
        wr_printf(w, ",{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"%s\"}", MODULE_SVN,
                  status);
    wr_text(w, "]}],");
}

struct bytes platform_tcb_info(struct platform *p)
{
    unsigned version = p->options->tcb_info_version;
    struct writer w = wr_open(p->arena);

    if (platform_fault(p, "intel.tcb_info.present"))
        return BYTES_NONE;
    wr_text(&w, "{");
    if (version == 3)
        wr_printf(&w, "\"id\":\"%s\",", is_tdx(p) ? "TDX" : "SGX");
    wr_printf(&w, "\"version\":%u,", version);
    dates(&w, p, "tcb_info");
    wr_text(&w, "\"fmspc\":\"");
    wr_hex(&w, platform_fault(p, "intel.tcb_info.present:fmspc") ? platform_flip(p, p->fmspc, 0) : p->fmspc);
    wr_printf(&w, "\",\"pceId\":\"%s\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,",
              platform_fault(p, "intel.tcb_info.pce") ? "0001" : "0000", p->options->evaluation);
    if (is_tdx(p))
        tdx_modules(&w, p);
    wr_text(&w, "\"tcbLevels\":[");
    levels(&w, p);
    wr_text(&w, "]}");
    return sign_document(p, "tcbInfo", "tcb_info", wr_done(&w));
}

static const char *qe_status(const struct platform *p)
{
    if (platform_fault(p, "intel.tcb.status:quoting-enclave"))
        return "OutOfDate";
    return p->options->qe_status ? p->options->qe_status : "UpToDate";
}

struct bytes platform_identity(struct platform *p)
{
    const char *status = qe_status(p);
    bool unsupported = strcmp(status, "TCB_NOT_SUPPORTED") == 0;
    bool tdx = platform_is_tdx(p);
    const char *id = (tdx && !platform_fault(p, "intel.qe_identity.present:sgx")) ||
                             platform_fault(p, "intel.qe_identity.present:tdx")
                         ? "TD_QE"
                         : "QE";
    struct writer w = wr_open(p->arena);

    if (platform_fault(p, "intel.qe_identity.present"))
        return BYTES_NONE;
    wr_printf(&w, "{\"id\":\"%s\",\"version\":2,", platform_fault(p, "intel.qe_identity.present:qve") ? "QVE" : id);
    dates(&w, p, "qe_identity");
    wr_printf(&w, "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",",
              p->options->evaluation);
    wr_printf(&w, "\"attributes\":\"11%030d\",\"attributesMask\":\"FBFFFFFFFFFFFFFF%016d\",", 0, 0);
    wr_printf(&w, "\"mrsigner\":\"%s\",\"isvprodid\":%d,\"tcbLevels\":[", tdx ? QE_SIGNER_TDX : QE_SIGNER,
              tdx ? QE_PRODUCT_TDX : QE_PRODUCT);
    wr_printf(&w, "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"2025-08-13T00:00:00Z\",\"tcbStatus\":\"%s\"}]}",
              unsupported ? QE_SVN + 1 : QE_SVN, unsupported ? "UpToDate" : status);
    return sign_document(p, "enclaveIdentity", "qe_identity", wr_done(&w));
}
