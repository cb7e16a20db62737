/* What shim, GRUB and Linux measure (tpm-vbs.md 3.6). */
#include "evidence/parts/event_log.h"
#include "simulate/boot_log.h"

enum { PCR_COMMANDS = 8, PCR_FILES = 9, PCR_IMA = 10, PCR_OWNER_KEYS = 14, STUB_INITRD = (int)0x8f3b22ec };

static struct bytes with_nul(struct arena *a, const char *text)
{
    return arena_copy(a, bytes_make(text, strlen(text) + 1));
}

/* Measured is the command alone. */
static void command(struct boot_log *l, const char *word, const char *text)
{
    boot_log_event_over(l, PCR_COMMANDS, EV_IPL, bytes_text(text),
                        with_nul(l->arena, arena_printf(l->arena, "%s: %s", word, text)));
}

static void file(struct boot_log *l, const char *path)
{
    boot_log_event_over(l, PCR_FILES, EV_IPL, bytes_text(path), with_nul(l->arena, path));
}

static void owner_keys(struct boot_log *l, const char *name)
{
    boot_log_event_over(l, PCR_OWNER_KEYS, EV_IPL, BYTES_LIT("\x01"), with_nul(l->arena, name));
}

/* The kernel's own stub: the digest is that of the file. */
static void stub(struct boot_log *l)
{
    struct writer w = wr_open(l->arena);
    static const char what[] = "Linux initrd";

    wr_u32le(&w, (uint32_t)STUB_INITRD);
    wr_u32le(&w, sizeof what);
    wr_put(&w, bytes_make(what, sizeof what));
    boot_log_event_over(l, PCR_FILES, EV_EVENT_TAG, BYTES_LIT("initrd"), wr_done(&w));
}

void boot_log_linux(struct boot_log *l)
{
    owner_keys(l, "MokList");
    owner_keys(l, "MokListX");
    file(l, "(hd0,gpt2)/grub/grub.cfg");
    command(l, "grub_cmd", "set root=hd0,gpt2");
    command(l, "grub_cmd", "linux /vmlinuz root=/dev/sda1 ro");
    file(l, "/vmlinuz");
    command(l, "kernel_cmdline", "/vmlinuz root=/dev/sda1 ro");
    for (unsigned i = 0; l->w.n < l->tpm->options->log_size; i++)
        command(l, "grub_cmd", arena_printf(l->arena, "insmod simulated%u", i));
    stub(l);
}

/* One entry of template ima-ng; the banks hold their own digests of its data. */
static bool entry(struct simulated_tpm *t, struct writer *w, const char *path, struct bytes hash, struct fault *fault)
{
    struct writer d = wr_open(t->arena);
    struct bytes digests[SIMULATED_BANKS];

    wr_u32le(&d, (uint32_t)(sizeof "sha256:" + hash.n));
    wr_put(&d, bytes_make("sha256:", sizeof "sha256:"));
    wr_put(&d, hash);
    wr_u32le(&d, (uint32_t)strlen(path) + 1);
    wr_put(&d, with_nul(t->arena, path));
    struct bytes data = wr_done(&d);
    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        digests[bank] = digest(t->arena, simulated_banks[bank], data);
    wr_u32le(w, PCR_IMA);
    wr_put(w, digests[0]);
    wr_u32le(w, (uint32_t)strlen("ima-ng"));
    wr_text(w, "ima-ng");
    wr_u32le(w, (uint32_t)data.n);
    wr_put(w, data);
    return t->driver->extend(t, PCR_IMA, digests, fault);
}

bool simulated_ima_list(struct simulated_tpm *t, struct bytes *list, struct fault *fault)
{
    static const char *const files[] = {"/usr/lib/systemd/systemd", "/usr/bin/bash", "/usr/sbin/sshd"};
    struct writer w = wr_open(t->arena), boot = wr_open(t->arena);
    struct bytes value;

    for (unsigned pcr = 0; pcr < PCR_IMA; pcr++) {
        if (!t->driver->read(t, 1, pcr, &value, fault))
            return false;
        wr_put(&boot, value);
    }
    if (!entry(t, &w, "boot_aggregate", sha256_of(t->arena, wr_done(&boot)), fault))
        return false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!entry(t, &w, files[i], sha256_of(t->arena, bytes_text(files[i])), fault))
            return false;
    *list = wr_done(&w);
    return true;
}
