/* assay-sealer: seals and opens the root key, or counts up the counter of a TPM, and ends. It alone is linked to the software of TPMs and loads the modules of tokens.
 *
 *     assay-sealer serve SETTING=VALUE...            one question on descriptor 3, from a signer that starts
 *     assay-sealer reseal KEYFILE FROM SETTING=VALUE...   for assayd reseal; FROM may be empty
 *     assay-sealer hand-over VERB KEYFILE WAY PATH SETTING=VALUE...
 *     assay-sealer counter VERB TPM INDEX VALUE KEYFILE   of a TPM, for assayd
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/frame.h"
#include "crypto/digest.h"
#include "sealer/counter.h"
#include "sealer/hand_over_command.h"
#include "sealer/reseal.h"
#include "sealer/sealers.h"

enum {
    SIGNER_FD = 3,
    SEALER_MEMORY = 16 * 1024 * 1024,
    SECRET_MEMORY = 16 * 1024, /* of the arena's first piece, where a question lies: locked if not all can be */
    ADDRESS_SPACE = 1024 * 1024 * 1024, /* with whatever a token's module brings */
    ANSWER_SECONDS = 45, /* before the host loses patience with the pair, so that the signer can say why */
};

static bool answer(const struct root_sealer *s, enum frame_kind kind, struct bytes body, struct arena *a,
                   struct bytes *made, struct fault *fault)
{
    uint8_t *root = arena_alloc(a, ROOT_KEY_SIZE);

    if (kind == FRAME_SEAL && body.n == ROOT_KEY_SIZE)
        return sealers_seal(s, KEY_HOLDS_ROOT, body.p, a, made, fault);
    if (kind != FRAME_UNSEAL)
        return fault_set(fault, FAULT_SYNTAX, "assay-sealer was asked nothing that it knows");
    *made = bytes_make(root, ROOT_KEY_SIZE);
    return sealers_open(s, bytes_text(s->name), KEY_HOLDS_ROOT, body, a, root, fault);
}

static bool serve(char **settings, struct arena *a, struct fault *fault)
{
    static struct frame_reader from_signer = {.fd = SIGNER_FD};
    struct root_sealer s;
    enum frame_kind kind;
    struct bytes body, made;

    alarm(ANSWER_SECONDS);
    if (!root_sealer_read(settings, &s, fault) || !confine_process(ADDRESS_SPACE, SIGNER_FD, fault))
        return false;
    /* Killed amid its work it would leave objects in a TPM that no resource manager cleans: it ends by itself in a moment. */
    prctl(PR_SET_PDEATHSIG, 0);
    if (!frame_read(&from_signer, a, &kind, &body))
        return fault_set(fault, FAULT_USAGE, "it is started by assay-signer and by assayd");
    struct fault reason = {0};
    bool ok = answer(&s, kind, body, a, &made, &reason);
    bool told = frame_write(SIGNER_FD, ok ? FRAME_SIGNED : FRAME_NOT_SIGNED, ok ? made : bytes_text(reason.text));
    secret_wipe(&from_signer, sizeof from_signer);
    secret_wipe((void *)(uintptr_t)body.p, body.n);
    if (ok)
        secret_wipe((void *)(uintptr_t)made.p, made.n);
    return told || fault_set(fault, FAULT_SYSTEM, "the signer does not listen");
}

static bool run(int argc, char **argv, struct arena *a, struct fault *fault)
{
    struct root_sealer s;

    if (argc >= 2 && strcmp(argv[1], "serve") == 0)
        return serve(argv + 2, a, fault);
    if (argc >= 4 && strcmp(argv[1], "reseal") == 0)
        return root_sealer_read(argv + 4, &s, fault) && reseal(argv[2], argv[3], &s, a, fault);
    if (argc >= 6 && strcmp(argv[1], "hand-over") == 0)
        return hand_over_command(argv[2], argv + 3, a, fault);
    if (argc == 7 && strcmp(argv[1], "counter") == 0)
        return counter_command(argv + 2, fault);
    return fault_set(fault, FAULT_USAGE, "it is started by assay-signer and by assayd");
}

int main(int argc, char **argv)
{
    struct arena a;
    struct fault fault = {0};

    /* The software of TPMs writes lines of its own for what is told here in one. */
    setenv("TSS2_LOG", "all+NONE", 0);
    arena_init(&a, SEALER_MEMORY);
    bool ok = confine_memory_dumps(&fault);
    confine_lock_memory(CONFINE_SIGNER_MEMORY, arena_alloc(&a, 1), SECRET_MEMORY);
    ok = ok && run(argc, argv, &a, &fault);
    if (!ok)
        fprintf(stderr, "%s: %s\n", argc >= 2 && strcmp(argv[1], "serve") == 0 ? "assay-sealer" : "assayd", fault.text);
    arena_free(&a);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
