/* Reference values as settings: one entry a line, as an operator writes them. */
#include "base/limits.h"
#include "base/text.h"
#include "endorsement/reference.h"

/* The next word of a value, whatever blanks and commas stand between. */
static struct bytes word(struct bytes *rest)
{
    size_t n = 0;

    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t' || rest->p[0] == ','))
        *rest = bytes_after(*rest, 1);
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t' && rest->p[n] != ',')
        n++;
    struct bytes found = bytes_first(*rest, n);
    *rest = bytes_after(*rest, n);
    return found;
}

static bool set_entry(struct arena *a, struct reference_values *r, enum reference_list list, struct bytes value)
{
    enum { TURIN_CHIP_ID_SIZE = 8, ENTRY_MOST = 64 };
    uint8_t entry[ENTRY_MOST] = {0};
    size_t size = reference_entry_size(list);
    bool short_id = list == REFERENCE_DENIED_CHIPS && value.n == (size_t)TURIN_CHIP_ID_SIZE * 2;

    return hex_decode_exact(value, entry, short_id ? TURIN_CHIP_ID_SIZE : size) &&
           reference_add(a, r, list, bytes_make(entry, size));
}

static bool set_uvm_root(struct arena *a, struct reference_values *r, struct bytes value)
{
    struct uvm_root root;

    root.issuer = word(&value);
    root.feed = word(&value);

    return decimal_parse(word(&value), UINT32_MAX, &root.minimum_svn) && !word(&value).n &&
           reference_add_uvm_root(a, r, &root);
}

static bool set_component(struct snp_tcb *tcb, enum snp_product product, struct bytes text)
{
    static const struct {
        const char *name;
        size_t offset;
    } components[] = {
        {"bootloader=", offsetof(struct snp_tcb, bootloader)},
        {"tee=", offsetof(struct snp_tcb, tee)},
        {"snp=", offsetof(struct snp_tcb, snp)},
        {"microcode=", offsetof(struct snp_tcb, microcode)},
        {"fmc=", offsetof(struct snp_tcb, fmc)},
    };
    uint64_t value;

    for (size_t i = 0; i < sizeof components / sizeof *components; i++) {
        uint8_t *at = (uint8_t *)tcb + components[i].offset;

        if (!bytes_begin(text, components[i].name))
            continue;
        if (*at || !decimal_parse(bytes_after(text, strlen(components[i].name)), UINT8_MAX, &value))
            return false;
        *at = (uint8_t)value;
        return product == SNP_TURIN || at != &tcb->fmc;
    }
    return false;
}

static bool set_minimum_tcb(struct reference_values *r, struct bytes value)
{
    static const struct snp_tcb any;
    struct snp_tcb tcb = {0};
    enum snp_product product;
    struct bytes component;

    if (!snp_product_by_name(word(&value), &product) || memcmp(&r->minimum_tcb[product], &any, sizeof any) != 0)
        return false;
    while ((component = word(&value)).n)
        if (!set_component(&tcb, product, component))
            return false;
    r->minimum_tcb[product] = tcb;
    return memcmp(&tcb, &any, sizeof any) != 0;
}

#define VARIABLE_ALLOWED "a SHA-256 of 64 hex digits, each once, at most 4096 times; or none"
enum { UVM_ROOT = REFERENCE_LISTS, MINIMUM_TCB };
static const struct {
    const char *name;
    int what;
    const char *allowed;
} rows[] = {
    {"uvm_root", UVM_ROOT, "ISSUER FEED MINIMUM-SVN, each issuer and feed once, at most 64 times; or none"},
    {"azure_id_key", REFERENCE_AZURE_ID_KEYS, "a digest of 96 hex digits, each once, at most 4096 times; or none"},
    {"azure_mrtd", REFERENCE_AZURE_MRTDS, "a measurement of 96 hex digits, each once, at most 4096 times; or none"},
    {"secure_boot_pk", REFERENCE_SECURE_BOOT_PK, VARIABLE_ALLOWED},
    {"secure_boot_kek", REFERENCE_SECURE_BOOT_KEK, VARIABLE_ALLOWED},
    {"secure_boot_db", REFERENCE_SECURE_BOOT_DB, VARIABLE_ALLOWED},
    {"secure_boot_dbx", REFERENCE_SECURE_BOOT_DBX, VARIABLE_ALLOWED},
    {"windows_loader", REFERENCE_WINDOWS_LOADERS, VARIABLE_ALLOWED},
    {"denied_chip", REFERENCE_DENIED_CHIPS,
     "a CHIP_ID of 128 hex digits, or 16 for Turin, each once, at most 4096 times"},
    {"denied_platform", REFERENCE_DENIED_PLATFORMS, "a PPID of 32 hex digits, each once, at most 4096 times"},
    {"denied_aik", REFERENCE_DENIED_AIKS,
     "the SHA-256 of a public key (SubjectPublicKeyInfo) of 64 hex digits, each once, at most 4096 times"},
    {"minimum_tcb", MINIMUM_TCB,
     "Milan, Genoa or Turin, once each, then some of bootloader=N tee=N snp=N microcode=N, and fmc=N for Turin, N from "
     "1 to "
     "255"},
};

static bool clear(struct reference_values *r, int what)
{
    bool told;

    if (what == UVM_ROOT) {
        told = r->uvm_roots != reference_builtin.uvm_roots;
        reference_clear_uvm_roots(r);
    } else {
        told = r->lists[what].v != reference_builtin.lists[what].v;
        reference_clear(r, (enum reference_list)what);
    }
    return !told;
}

const char *reference_set(struct arena *a, struct reference_values *r, const char *name, const char *value)
{
    struct bytes text = bytes_text(value);
    bool ok;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int what = rows[i].what;

        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (bytes_is(text, "none") && (what == UVM_ROOT || what < REFERENCE_DENIED_CHIPS))
            ok = clear(r, what);
        else if (what == UVM_ROOT)
            ok = set_uvm_root(a, r, text);
        else if (what == MINIMUM_TCB)
            ok = set_minimum_tcb(r, text);
        else
            ok = set_entry(a, r, (enum reference_list)what, text);
        return ok ? NULL : rows[i].allowed;
    }
    return "uvm_root, azure_id_key, azure_mrtd, secure_boot_pk, secure_boot_kek, secure_boot_db, secure_boot_dbx, "
           "denied_chip, denied_platform or minimum_tcb in [reference]";
}
