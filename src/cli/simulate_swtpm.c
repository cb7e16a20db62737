/* A real TPM for simulated evidence: swtpm, started for one piece of it in a folder of its own, and gone afterwards. */
#include "cli/simulate_swtpm.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/tpm_open.h"

enum { PORT_FIRST = 20000, PORTS = 20000, TRIES = 20, CONNECTS = 200, PAUSE_MS = 25 };

struct swtpm {
    char folder[64];
    pid_t process; /* 0: none */
    struct agent_tpm *tpm;
    struct agent_key key[TPM_KEY_TOTAL];
};

extern char **environ;

/* ------------------------------------------------------------------------------------------------- the process */

static bool listens(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool is_free(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    nanosleep(&pause, NULL);
}

static void stop(struct swtpm *s)
{
    if (s->process > 0) {
        kill(s->process, SIGTERM);
        waitpid(s->process, NULL, 0);
    }
    s->process = 0;
}

/* Commands on `port`, control on the next. False: it could not be started, or ended at once, as when a port was taken meanwhile. */
static bool start(struct swtpm *s, struct arena *a, unsigned port)
{
    char *state = arena_printf(a, "dir=%s", s->folder);
    char *server = arena_printf(a, "type=tcp,port=%u,bindaddr=127.0.0.1", port);
    char *control = arena_printf(a, "type=tcp,port=%u,bindaddr=127.0.0.1", port + 1);
    char *argv[] = {"swtpm",
                    "socket",
                    "--tpm2",
                    "--tpmstate",
                    state,
                    "--server",
                    server,
                    "--ctrl",
                    control,
                    "--flags",
                    "not-need-init,startup-clear",
                    NULL};
    posix_spawn_file_actions_t quiet;

    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool ok = posix_spawnp(&s->process, argv[0], &quiet, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&quiet);
    if (!ok)
        s->process = 0;
    for (int i = 0; ok && i < CONNECTS && waitpid(s->process, NULL, WNOHANG) == 0; i++) {
        if (listens(port + 1))
            return true;
        rest();
    }
    stop(s);
    return false;
}

static bool find_port(struct swtpm *s, struct arena *a, unsigned *port)
{
    uint8_t random[2];

    for (int i = 0; i < TRIES; i++) {
        if (!random_bytes(random, sizeof random))
            return false;
        *port = PORT_FIRST + (unsigned)(random[0] << 8 | random[1]) % PORTS;
        if (is_free(*port) && is_free(*port + 1) && start(s, a, *port))
            return true;
    }
    return false;
}

static void remove_state(const char *folder)
{
    static const char *const files[] = {"tpm2-00.permall", "tpm2-00.volatilestate", ".lock"};
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

bool swtpm_installed(void)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        char file[512];
        int n = (int)strcspn(path, ":");

        snprintf(file, sizeof file, "%.*s/swtpm", n, path);
        if (access(file, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

/* --------------------------------------------------------------------------------------------------- the driver */

static void swtpm_close(struct simulated_tpm *t)
{
    struct swtpm *s = t->state;

    if (!s)
        return;
    agent_tpm_close(s->tpm);
    stop(s);
    if (*s->folder)
        remove_state(s->folder);
    t->state = NULL;
}

static bool swtpm_open(struct simulated_tpm *t, struct fault *fault)
{
    struct swtpm *s = ARENA_NEW(t->arena, struct swtpm);
    const char *temporary = getenv("TMPDIR");
    unsigned port;

    *s = (struct swtpm){.process = 0};
    t->state = s;
    snprintf(s->folder, sizeof s->folder, "%s/assay-swtpm-XXXXXX",
             temporary && strlen(temporary) < sizeof s->folder / 2 ? temporary : "/tmp");
    if (!mkdtemp(s->folder)) {
        *s->folder = '\0';
        return fault_set(fault, FAULT_SYSTEM, "cannot make a folder for swtpm");
    }
    if (!find_port(s, t->arena, &port))
        return fault_set(fault, FAULT_SYSTEM, "swtpm did not start");
    s->tpm = agent_tpm_open(arena_printf(t->arena, "swtpm:host=127.0.0.1,port=%u", port), fault);
    return s->tpm != NULL;
}

static bool swtpm_extend(struct simulated_tpm *t, unsigned pcr, const struct bytes digests[SIMULATED_BANKS],
                         struct fault *fault)
{
    struct swtpm *s = t->state;
    TPML_DIGEST_VALUES values = {.count = SIMULATED_BANKS};

    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        values.digests[bank].hashAlg = agent_hash_id(simulated_banks[bank]);
        memcpy(&values.digests[bank].digest, digests[bank].p, digests[bank].n);
    }
    return agent_tpm_did(
        Esys_PCR_Extend(s->tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values),
        "PCR_Extend", fault);
}

static bool swtpm_read(struct simulated_tpm *t, int bank, unsigned pcr, struct bytes *value, struct fault *fault)
{
    struct swtpm *s = t->state;
    struct agent_bank b = {.alg = simulated_banks[bank], .mask = 1u << pcr};

    if (!agent_tpm_read_pcrs(s->tpm, &b, fault))
        return false;
    *value = arena_copy(t->arena, bytes_make(b.value[pcr], digest_size(b.alg)));
    return true;
}

static bool swtpm_make_key(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes policy,
                           struct fault *fault)
{
    struct swtpm *s = t->state;
    struct agent_key *k = &s->key[key];
    bool ok = key == TPM_KEY_AK          ? agent_tpm_ak(s->tpm, 0, t->arena, k, fault)
              : key == TPM_KEY_EPHEMERAL ? agent_tpm_sealed_key(s->tpm, policy, t->arena, k, fault)
                                         : agent_tpm_request_key(s->tpm, t->arena, k, fault);

    if (!ok)
        return false;
    t->public[key].area = k->public_t;
    return public_key_from_rsa(k->modulus, BYTES_LIT("\x01\x00\x01"), &t->public[key].key) ||
           fault_set(fault, FAULT_CRYPTO, "the TPM's key is of no known form");
}

static bool swtpm_quote(struct simulated_tpm *t, const struct simulated_selection *selection, struct bytes extra_data,
                        struct simulated_attest *out, struct fault *fault)
{
    struct swtpm *s = t->state;
    struct agent_quote *q = ARENA_NEW(t->arena, struct agent_quote);

    *q = (struct agent_quote){.count = 0};
    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        if (selection->mask[bank])
            q->banks[q->count++] = (struct agent_bank){.alg = simulated_banks[bank], .mask = selection->mask[bank]};
    if (!agent_tpm_quote(s->tpm, &s->key[TPM_KEY_AK], extra_data, t->arena, q, fault))
        return false;
    *out = (struct simulated_attest){q->attest, q->signature};
    return true;
}

static bool swtpm_certify(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes extra_data,
                          struct simulated_attest *out, struct fault *fault)
{
    struct swtpm *s = t->state;
    struct agent_certification c;

    if (!agent_tpm_certify(s->tpm, &s->key[key], &s->key[TPM_KEY_AK], extra_data, t->arena, &c, fault))
        return false;
    *out = (struct simulated_attest){c.attest, c.signature};
    return true;
}

static bool swtpm_sign(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes message,
                       struct bytes *signature, struct fault *fault)
{
    struct swtpm *s = t->state;

    if (!agent_tpm_sign_ps256(s->tpm, &s->key[key], message, t->arena, signature, fault))
        return false;
    return signature_verify(&t->public[key].key, SIGNATURE_PS256, message, *signature) ||
           fault_set(fault, FAULT_CRYPTO, "the TPM signs with another salt than JOSE wants");
}

const struct simulated_tpm_driver swtpm_driver = {
    .name = "swtpm",
    .can_lie = false,
    .open = swtpm_open,
    .extend = swtpm_extend,
    .read = swtpm_read,
    .make_key = swtpm_make_key,
    .quote = swtpm_quote,
    .certify = swtpm_certify,
    .sign = swtpm_sign,
    .close = swtpm_close,
};
