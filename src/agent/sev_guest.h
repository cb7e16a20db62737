/* SEV-SNP reports by ioctl of /dev/sev-guest (Linux 5.19 on; snp-cvm.md 5.2), where configfs-tsm is not there; and the table of
 * certificates that comes with a report by either way (5.4). */
#ifndef ASSAY_AGENT_SEV_GUEST_H
#define ASSAY_AGENT_SEV_GUEST_H

#include "agent/tsm.h"

#define AGENT_SEV_GUEST_DEVICE "/dev/sev-guest"

/* The one call to the kernel: as ioctl(2), with errno. Tests put their own in its place. */
struct agent_sev_guest {
    int (*call)(void *context, unsigned long request, void *argument);
    void *context;
};
/* A report over these 64 bytes, with certificates where the host has some. */
bool agent_sev_guest_ask(const struct agent_sev_guest *device, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                         struct agent_report *out, struct fault *fault);
bool agent_sev_guest_report(const char *path, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                            struct agent_report *out, struct fault *fault);

/* A key that this processor derives for this guest and no other (SNP_GET_DERIVED_KEY): from its own secret (or that of the cloud's
 * VLEK, where one is loaded), VMPL 0, and the fields that are named. It is raw: derive from it what is used. */
enum { AGENT_DERIVED_KEY = 32 };
enum agent_key_fields {
    AGENT_KEY_POLICY = 1 << 0,
    AGENT_KEY_IMAGE_ID = 1 << 1,
    AGENT_KEY_FAMILY_ID = 1 << 2,
    AGENT_KEY_MEASUREMENT = 1 << 3,
    /* Neither the guest's SVN nor the TCB: an update would lock away what was sealed. */
    AGENT_KEY_FIELDS = AGENT_KEY_POLICY | AGENT_KEY_IMAGE_ID | AGENT_KEY_FAMILY_ID | AGENT_KEY_MEASUREMENT,
    AGENT_KEY_FIELDS_FIRST = AGENT_KEY_POLICY | AGENT_KEY_MEASUREMENT, /* of what earlier versions sealed */
};
bool agent_sev_guest_key_ask(const struct agent_sev_guest *device, enum agent_key_fields fields,
                             uint8_t key[AGENT_DERIVED_KEY], struct fault *fault);
bool agent_sev_guest_key(const char *path, enum agent_key_fields fields, uint8_t key[AGENT_DERIVED_KEY],
                         struct fault *fault);

/* VCEK or VLEK, ASK and ARK of the table as PEM, leaf first; empty where it holds no leaf. The table is the host's, and says
 * nothing that the service does not verify. */
bool agent_certificates(struct arena *a, struct bytes table, struct bytes *pem, struct fault *fault);

#endif
