/* What boot loaders of Linux measure, from the text of their events (tpm-vbs.md 3.6): GRUB, shim, the loader and the stub of systemd,
 * and the kernel's EFI stub. Most measure something else than what they write into the log. */
#ifndef ASSAY_EVIDENCE_PARTS_LINUX_BOOT_H
#define ASSAY_EVIDENCE_PARTS_LINUX_BOOT_H

#include "evidence/parts/event_log.h"

enum linux_kind {
    LINUX_NONE,
    LINUX_GRUB_COMMAND,
    LINUX_KERNEL_COMMAND_LINE,
    LINUX_MODULE_COMMAND_LINE,
    LINUX_FILE,         /* its path; the file is measured */
    LINUX_MOK_LIST,     /* its name; the variable is measured */
    LINUX_SECTION,      /* of a unified kernel image, its name; then once more, with its content measured */
    LINUX_COMMAND_LINE, /* of systemd's loader */
    LINUX_TAG,          /* EV_EVENT_TAG: what was loaded is measured */
    LINUX_TEXT,         /* of another loader */
};
struct linux_event {
    enum linux_kind kind;
    /* UTF-8. Where the digest covers the data (event_data_measured) this is what it covers; the kind it never does: it stands in
     * a word before the text, or in the register. */
    struct bytes text;
    uint32_t tag; /* LINUX_TAG: its id */
};
const char *linux_kind_name(enum linux_kind kind); /* "grub command" */
/* False for other events than EV_IPL and EV_EVENT_TAG, and for data that are no text and no tag of these. */
bool linux_event_read(struct arena *a, const struct event *e, struct linux_event *out);
/* "Linux initrd", by the id of a tag; NULL for others. */
const char *linux_tag_name(uint32_t id);

#endif
