/* Logs of what was measured at boot: those of the TCG's PC Client profile in both of its formats, and those of confidential guests,
 * which have the same form over other registers (tpm-vbs.md 3.1 to 3.5). A log proves nothing by itself. It is worth what the
 * registers are worth that it replays to; and of an event only the digest is measured, its data only where the digest covers them. */
#ifndef ASSAY_EVIDENCE_PARTS_EVENT_LOG_H
#define ASSAY_EVIDENCE_PARTS_EVENT_LOG_H

#include "base/fault.h"
#include "base/limits.h"
#include "crypto/digest.h"

enum { EVENT_LOG_REGISTERS = 24, EVENT_LOG_BANKS = 8 };

/* The types that this program knows by more than their name. */
enum event_type {
    EV_NO_ACTION = 0x03, /* extends nothing */
    EV_SEPARATOR = 0x04,
    EV_EVENT_TAG = 0x06,
    EV_COMPACT_HASH = 0x0c,
    EV_IPL = 0x0d,
    EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001u,
    EV_EFI_VARIABLE_BOOT = 0x80000002u,
    EV_EFI_VARIABLE_BOOT2 = 0x8000000cu,
    EV_EFI_HCRTM_EVENT = 0x80000010u,
    EV_EFI_VARIABLE_AUTHORITY = 0x800000e0u,
    EV_DRTM_NO_ACTION = 0x900du, /* of ARM's DRTM: the same as EV_NO_ACTION */
};
/* "EV_SEPARATOR"; NULL for a type that has no name here. */
const char *event_type_name(uint32_t type);

struct event_bank {
    uint16_t id; /* TPM_ALG_ID */
    size_t size;
    bool known; /* it can be replayed: alg is set */
    enum digest_alg alg;
};
/* The bank of a TPM_ALG_ID; not known for an algorithm that cannot be replayed. */
struct event_bank event_bank_of(uint16_t id);
const char *event_bank_name(const struct event_bank *b); /* "sha256"; "sm3_256"; "unknown" */

struct event {
    uint32_t reg, type;          /* PCR, or register of a confidential guest */
    const struct bytes *digests; /* one for each bank; p NULL where the event has none */
    struct bytes data;
};

struct event_log {
    bool agile; /* several banks; else SHA-1 alone, the first format */
    struct event_bank banks[EVENT_LOG_BANKS];
    size_t bank_count;
    const struct event *events; /* with the header of an agile log */
    size_t count;
    uint8_t locality; /* from which the TPM was started: the last byte of PCR 0 before the first event */
    bool has_locality;
    bool hcrtm;        /* the hardware's root of trust measured before that, at locality 4 */
    struct bytes tail; /* behind the last event: padding */
};
/* Views point into `text`. False, with a fault that names the place, for lengths that do not fit and banks that cannot be. */
bool event_log_read(struct arena *a, struct bytes text, struct event_log *out, struct fault *fault);

struct event_registers {
    size_t size; /* of each value */
    uint8_t value[EVENT_LOG_REGISTERS][DIGEST_MAX];
    bool told[EVENT_LOG_REGISTERS]; /* the log says something of it: an event, or where the TPM was started from */
    bool incomplete[EVENT_LOG_REGISTERS]; /* an event has no digest in this bank: the value is not the register's */
    bool launched;                        /* dynamically: its registers began again with zeros */
};
/* What they hold when the TPM was started: zeros, and ones in those of a dynamic launch (3.5). */
void event_registers_reset(struct event_registers *r, enum digest_alg alg);
/* Is it one of those that a dynamic launch begins anew? */
bool event_register_dynamic(uint32_t reg);
/* A register becomes the digest of itself and this one; r->size is that of alg. */
void event_registers_extend(struct event_registers *r, enum digest_alg alg, uint32_t reg, struct bytes digest);
/* What the registers of a known bank hold after the log. */
void event_log_replay(const struct event_log *log, const struct event_bank *bank, struct event_registers *out);
/* The same in steps, on top of what `r` holds: where the TPM was started from, then each event in turn. False: this one extends
 * nothing. */
void event_log_start(const struct event_log *log, struct event_registers *r);
bool event_log_step(const struct event_log *log, const struct event_bank *bank, size_t event,
                    struct event_registers *r);
/* The bank of that algorithm, or NULL. */
const struct event_bank *event_log_bank(const struct event_log *log, enum digest_alg alg);

/* Is the data what the digest of that bank was made of, in one of the ways that its type allows (3.2)? Only then may a decision
 * rest on it. */
bool event_data_measured(const struct event_log *log, const struct event *e, const struct event_bank *bank);
/* Does it extend a register? */
bool event_extends(const struct event *e);

/* What closes a register, known by its digest: types are not measured, so whoever sends a log can label events as he likes. */
enum { EVENT_SEPARATORS = 3 }; /* of four zeros, of four ones, of "WBCL" */
struct event_separators {
    size_t size;
    uint8_t digest[EVENT_SEPARATORS][DIGEST_MAX];
};
const struct event_separators *event_separators_of(enum digest_alg alg); /* those of a bank; made once */
bool event_separates(const struct event_log *log, const struct event *e, const struct event_bank *bank,
                     const struct event_separators *s);

/* UEFI_VARIABLE_DATA. */
enum { UEFI_GUID_SIZE = 16 };
struct uefi_variable {
    struct bytes guid; /* as it lies there: its first three numbers little-endian */
    struct bytes name; /* UTF-16LE, with or without a NUL */
    struct bytes value;
};
bool uefi_variable_read(struct bytes data, struct uefi_variable *out);
bool uefi_variable_named(const struct uefi_variable *v, const char *name);
/* 8be4df61-93ca-11d2-aa0d-00e098032b8c, and d719b2cb-3d3a-4596-a3bc-dad00e67656f, that of the lists of Secure Boot. */
extern const uint8_t uefi_guid_global[UEFI_GUID_SIZE], uefi_guid_image_security[UEFI_GUID_SIZE];

#endif
