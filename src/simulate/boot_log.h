/* Logs of a boot of a simulated machine, as firmware and operating systems write them (tpm-vbs.md 3). Each event that is measured
 * extends the TPM's registers too, so that the log replays to what the TPM quotes. */
#ifndef ASSAY_SIMULATE_BOOT_LOG_H
#define ASSAY_SIMULATE_BOOT_LOG_H

#include "simulate/tpm.h"

struct boot_log {
    struct simulated_tpm *tpm;
    struct arena *arena;
    struct writer w;
    struct fault *fault;
    bool failed; /* the fault tells */
};
/* Was this fault asked for? */
bool boot_log_flawed(const struct boot_log *l, const char *name);
/* With the header of a log with three banks. */
void boot_log_open(struct boot_log *l, struct simulated_tpm *t, struct fault *fault);
/* Measured is the data. */
void boot_log_event(struct boot_log *l, unsigned pcr, uint32_t type, struct bytes data);
/* Measured is something else than the data. */
void boot_log_event_over(struct boot_log *l, unsigned pcr, uint32_t type, struct bytes measured, struct bytes data);
/* Not measured. */
void boot_log_no_action(struct boot_log *l, uint32_t reg, struct bytes data);
/* UEFI_VARIABLE_DATA of a variable that is measured as it is. */
void boot_log_variable(struct boot_log *l, unsigned pcr, uint32_t type, const uint8_t guid[16], const char *name,
                       struct bytes value);

/* What firmware measures, from its own code up to the loader that it starts, which the certificate of that name vouches for. */
void boot_log_firmware(struct boot_log *l, const char *loader, const char *authority);
#define BOOT_AUTHORITY_WINDOWS "Windows"
#define BOOT_AUTHORITY_OTHERS  "db"
/* SHA-256 of what vouches for Windows' loader: a reference value. */
struct bytes boot_windows_authority(struct arena *a);
/* What it measures when the loader hands over. */
void boot_log_exit(struct boot_log *l);

/* What Windows adds: with VSM_IDKS_INFO of this key, whose modulus has 256 bytes. Then Linux, with shim, GRUB, and the kernel's stub. */
void boot_log_windows(struct boot_log *l, struct bytes idks_modulus);
void boot_log_linux(struct boot_log *l);

/* IMA's list of what was run after that. */
bool simulated_ima_list(struct simulated_tpm *t, struct bytes *list, struct fault *fault);

/* What PK, KEK, db and dbx hold: one list with the hash of the name, for our own firmware knows nobody's keys. */
struct bytes boot_signature_list(struct arena *a, const char *name);
/* UTF-16LE of ASCII with its NUL. */
struct bytes boot_utf16(struct arena *a, const char *text);

#endif
