#include "sealer/counter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/tpm_open.h"
#include "base/text.h"

enum {
    ANSWER_SECONDS = 45,
    COUNTER_MEMORY = 64 * 1024,
    OWNED = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA,
    COUNTS = OWNED | (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT),
};

/* The index, and its public area; false with a fault when it cannot be used. */
static bool find(struct agent_tpm *t, uint32_t index, ESYS_TR *handle, TPMS_NV_PUBLIC *out, struct fault *fault)
{
    TPM2B_NV_PUBLIC *public = NULL;

    if (!agent_tpm_did(Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, handle),
                       "NV_ReadPublic", fault) ||
        !agent_tpm_did(Esys_NV_ReadPublic(t->esys, *handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL),
                       "NV_ReadPublic", fault))
        return false;
    *out = public->nvPublic;
    Esys_Free(public);
    return true;
}

/* The policy is satisfied by nobody: it is where an index has room for an id. */
static bool define(struct agent_tpm *t, uint32_t index, TPMA_NV attributes, uint16_t size, struct fault *fault)
{
    TPM2B_NV_PUBLIC public = {.nvPublic = {.nvIndex = index,
                                           .nameAlg = TPM2_ALG_SHA256,
                                           .attributes = attributes,
                                           .authPolicy.size = SHA256_SIZE,
                                           .dataSize = size}};
    const TPM2B_AUTH no_password = {0};
    ESYS_TR handle;

    if (!random_bytes(public.nvPublic.authPolicy.buffer, SHA256_SIZE))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    TSS2_RC rc = Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                     &no_password, &public, &handle);
    if (!agent_tpm_did(rc, "NV_DefineSpace", fault))
        return false;
    Esys_TR_Close(t->esys, &handle);
    return true;
}

static bool value_of(struct agent_tpm *t, ESYS_TR handle, uint64_t *out, struct fault *fault)
{
    TPM2B_MAX_NV_BUFFER *data = NULL;
    TSS2_RC rc = Esys_NV_Read(t->esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                              sizeof *out, 0, &data);

    if (!agent_tpm_did(rc, "NV_Read", fault))
        return false;
    struct reader r = rd_open(bytes_make(data->buffer, data->size));
    *out = (uint64_t)rd_u32be(&r) << 32;
    *out |= rd_u32be(&r);
    bool ok = rd_end(&r);
    Esys_Free(data);
    return ok || fault_set(fault, FAULT_SYSTEM, "the TPM gives another counter than it was asked for");
}

static bool read_counter(struct agent_tpm *t, uint32_t index, struct state_reading *out, struct fault *fault)
{
    TPMS_NV_PUBLIC public;
    ESYS_TR handle;

    *out = (struct state_reading){.in_force = agent_tpm_has(t, index + 1)};
    if (!agent_tpm_has(t, index))
        return true;
    if (!find(t, index, &handle, &public, fault))
        return false;
    out->there = (public.attributes & TPMA_NV_WRITTEN) != 0;
    bool ours = (public.attributes & (TPMA_NV)~TPMA_NV_WRITTEN) == COUNTS && public.authPolicy.size == SHA256_SIZE;
    bool ok = (ours || fault_set(fault, FAULT_USAGE,
                                 "the TPM's index 0x%x is not a counter of this service: name another one with "
                                 "counter_index",
                                 index)) &&
              (!out->there || value_of(t, handle, &out->counter.value, fault));
    memcpy(out->counter.id, public.authPolicy.buffer, STATE_COUNTER_ID);
    Esys_TR_Close(t->esys, &handle);
    return ok;
}

static bool add(struct agent_tpm *t, uint32_t index, struct fault *fault)
{
    TPMS_NV_PUBLIC public;
    ESYS_TR handle;

    if ((!agent_tpm_has(t, index) && !define(t, index, COUNTS, sizeof(uint64_t), fault)) ||
        !find(t, index, &handle, &public, fault))
        return false;
    bool ok = agent_tpm_did(
        Esys_NV_Increment(t->esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
        "NV_Increment", fault);
    Esys_TR_Close(t->esys, &handle);
    return ok;
}

/* One at a time, for as long as it lives: by a lock of the service's key file, which nobody else can open. Whoever counts looked at the value
 * before, and a child of a service that was killed counts for nobody twice. */
static bool be_alone(const char *key_file, struct fault *fault)
{
    int fd = open(key_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    return (fd >= 0 && flock(fd, LOCK_EX) == 0) ||
           fault_set(fault, FAULT_SYSTEM, "lock the key file %s: %s", key_file, strerror(errno));
}

static bool command(struct agent_tpm *t, const char *verb, uint32_t index, uint64_t value, struct state_reading *out,
                    struct fault *fault)
{
    if (!read_counter(t, index, out, fault))
        return false;
    uint64_t present = out->there ? out->counter.value : 0;
    if (strcmp(verb, "read") == 0 || (strcmp(verb, "add") == 0 && present != value))
        return true;
    if (strcmp(verb, "add") == 0)
        return add(t, index, fault) && read_counter(t, index, out, fault);
    if (strcmp(verb, "keep") != 0)
        return fault_set(fault, FAULT_USAGE, "it is started by assayd");
    return (out->in_force || define(t, index + 1, OWNED, 1, fault)) && read_counter(t, index, out, fault);
}

bool counter_command(char **arguments, struct fault *fault)
{
    char *end_of_index, id[2 * STATE_COUNTER_ID + 1];
    uint32_t index = (uint32_t)strtoul(arguments[2], &end_of_index, 0);
    uint64_t value;
    struct state_reading reading;
    struct arena a;

    if (*end_of_index || !decimal_parse(bytes_text(arguments[3]), UINT64_MAX, &value))
        return fault_set(fault, FAULT_USAGE, "it is started by assayd");
    alarm(ANSWER_SECONDS);
    if (!be_alone(arguments[4], fault))
        return false;
    struct agent_tpm *t = agent_tpm_open(*arguments[1] ? arguments[1] : NULL, fault);
    bool ok = t && command(t, arguments[0], index, value, &reading, fault);
    agent_tpm_close(t);
    if (!ok)
        return false;
    arena_init(&a, COUNTER_MEMORY);
    snprintf(id, sizeof id, "%s", arena_string(&a, hex_encode(&a, BYTES_OF(reading.counter.id))));
    arena_free(&a);
    printf("%d %d %llu %s\n", reading.there, reading.in_force, (unsigned long long)reading.counter.value, id);
    return fflush(stdout) == 0 || fault_set(fault, FAULT_SYSTEM, "standard output: %s", strerror(errno));
}
