/* TCB info and QE identity of the platform. */
#include "base/clock.h"
#include "base/text.h"
#include "simulate/platform.h"

/* Offset of the highest level's components above the platform's, for each status: the platform meets the second level. */
static void level(struct writer *w, const struct platform *p, int svn, const char *status, bool first)
{
    if (!first)
        wr_text(w, ",");
    wr_text(w, "{\"tcb\":{");
    if (p->options->tcb_info_version == 2) {
        for (int i = 1; i <= 16; i++)
            wr_printf(w, "\"sgxtcbcomp%02dsvn\":%d,", i, svn);
    } else {
        wr_text(w, "\"sgxtcbcomponents\":[");
        for (int i = 0; i < 16; i++)
            wr_printf(w, "%s{\"svn\":%d}", i ? "," : "", svn);
        wr_text(w, "],");
    }
    wr_printf(w, "\"pcesvn\":%d},\"tcbDate\":\"2025-08-13T00:00:00Z\",\"tcbStatus\":\"%s\"", svn + 6, status);
    if (strcmp(status, "UpToDate") != 0)
        wr_text(w, ",\"advisoryIDs\":[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]");
    wr_text(w, "}");
}

static void levels(struct writer *w, const struct platform *p)
{
    const char *status = p->options->status ? p->options->status : "UpToDate";

    if (platform_fault(p, "intel.tcb.status"))
        status = "OutOfDate";
    if (strcmp(status, "TCB_NOT_SUPPORTED") == 0) {
        level(w, p, PLATFORM_SVN + 1, "UpToDate", true);
        return;
    }
    level(w, p, PLATFORM_SVN + 1, "UpToDate", true);
    level(w, p, PLATFORM_SVN, status, false);
    level(w, p, PLATFORM_SVN - 1, "OutOfDate", false);
}

static void dates(struct writer *w, const struct platform *p, const char *kind)
{
    char issued[32], next[32];
    bool future = platform_fault(p, arena_printf(p->arena, "intel.%s.issued", kind));
    bool over = platform_fault(p, arena_printf(p->arena, "intel.%s.fresh", kind));

    time_format(p->now + (future ? DAY : -10 * DAY), issued);
    time_format(p->now + (over ? -DAY : 20 * DAY), next);
    wr_printf(w, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",", issued, next);
}

/* {"member":inner,"signature":hex} */
static struct bytes sign_document(struct platform *p, const char *member, const char *kind, struct bytes inner)
{
    bool forged = platform_fault(p, arena_printf(p->arena, "intel.%s.signature", kind));
    struct bytes signature = authority_sign(p->arena, p->key[forged ? KEY_FORGER : KEY_SIGNER], inner);
    struct writer w = wr_open(p->arena);

    p->failed |= signature.n == 0;
    wr_printf(&w, "{\"%s\":", member);
    wr_put(&w, inner);
    wr_text(&w, ",\"signature\":\"");
    wr_hex(&w, signature);
    wr_text(&w, "\"}");
    return wr_done(&w);
}

struct bytes platform_tcb_info(struct platform *p)
{
    unsigned version = p->options->tcb_info_version == 2 ? 2 : 3;
    struct writer w = wr_open(p->arena);

    if (platform_fault(p, "intel.tcb_info.present"))
        return BYTES_NONE;
    wr_printf(&w, "{%s\"version\":%u,", version == 3 ? "\"id\":\"SGX\"," : "", version);
    dates(&w, p, "tcb_info");
    wr_text(&w, "\"fmspc\":\"");
    wr_hex(&w, p->fmspc);
    wr_printf(&w, "\",\"pceId\":\"%s\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,\"tcbLevels\":[",
              platform_fault(p, "intel.tcb_info.pce") ? "0001" : "0000", p->options->evaluation);
    levels(&w, p);
    wr_text(&w, "]}");
    return sign_document(p, "tcbInfo", "tcb_info", wr_done(&w));
}

struct bytes platform_identity(struct platform *p)
{
    const char *status = p->options->qe_status ? p->options->qe_status : "UpToDate";
    bool unsupported = strcmp(status, "TCB_NOT_SUPPORTED") == 0;
    struct writer w = wr_open(p->arena);

    if (platform_fault(p, "intel.qe_identity.present"))
        return BYTES_NONE;
    wr_text(&w, "{\"id\":\"QE\",\"version\":2,");
    dates(&w, p, "qe_identity");
    wr_printf(&w, "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",",
              p->options->evaluation);
    wr_text(
        &w,
        "\"attributes\":\"11000000000000000000000000000000\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",");
    wr_printf(&w, "\"mrsigner\":\"%064d\",\"isvprodid\":%d,\"tcbLevels\":[", 0, QE_PRODUCT);
    wr_printf(&w, "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":\"2025-08-13T00:00:00Z\",\"tcbStatus\":\"%s\"}]}",
              unsupported ? QE_SVN + 1 : QE_SVN, unsupported ? "UpToDate" : status);
    return sign_document(p, "enclaveIdentity", "qe_identity", wr_done(&w));
}
