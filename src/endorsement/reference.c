#include "endorsement/reference.h"

#include "base/limits.h"

enum {
    ID_KEY_SIZE = 48,
    MRTD_SIZE = 48,
    VARIABLE_HASH_SIZE = 32,
    CHIP_ID_SIZE = 64,
    PPID_SIZE = 16,
    AIK_HASH_SIZE = 32
};

static const char *const product_names[SNP_PRODUCT_COUNT] = {"Milan", "Genoa", "Turin"};

const char *snp_product_name(enum snp_product p)
{
    return product_names[p];
}

bool snp_product_by_name(struct bytes name, enum snp_product *out)
{
    for (int i = 0; i < SNP_PRODUCT_COUNT; i++)
        if (bytes_is_nocase(name, product_names[i])) {
            *out = (enum snp_product)i;
            return true;
        }
    return false;
}

bool snp_tcb_at_least(const struct snp_tcb *tcb, const struct snp_tcb *least)
{
    return tcb->bootloader >= least->bootloader && tcb->tee >= least->tee && tcb->snp >= least->snp &&
           tcb->microcode >= least->microcode && tcb->fmc >= least->fmc;
}

/* ------------------------------------------------------------------------------------------------ built-in values */

#define MICROSOFT_SUPPLY_CHAIN \
    "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1."

/* snp-cvm.md 2.5: Azure's container instances, and confidential containers of its Kubernetes service. */
static const struct uvm_root builtin_roots[] = {
    {BYTES_LIT(MICROSOFT_SUPPLY_CHAIN "2"), BYTES_LIT("ContainerPlat-AMD-UVM"), 100},
    {BYTES_LIT(MICROSOFT_SUPPLY_CHAIN "5"), BYTES_LIT("ConfAKS-AMD-UVM"), 1},
};

/* snp-cvm.md 2.7, of confidential VMs alone: seen in genuine evidence, or in tokens that Microsoft published. Those of utility
 * VMs are not among them: there the guest chooses what the report binds, and could pass for the firmware of a VM. */
static const struct bytes builtin_id_keys[] = {
    BYTES_LIT("\x03\x56\x21\x58\x82\xa8\x25\x27\x9a\x85\xb3\x00\xb0\xb7\x42\x93\x1d\x11\x3b\xf7\xe3\x2d\xde\x2e"
              "\x50\xff\xde\x7e\xc7\x43\xca\x49\x1e\xcd\xd7\xf3\x36\xdc\x28\xa6\xe0\xb2\xbb\x57\xaf\x7a\x44\xa3"),
    BYTES_LIT("\x38\xed\x94\xf9\xaa\xb2\x0b\xc5\xeb\x40\xe8\x9c\x7c\xbb\x03\xaa\x1b\x9e\xfb\x43\x58\x92\x65\x6a"
              "\xde\x78\x9c\xca\xa0\xde\xd8\x2f\xf1\x8b\xae\x0e\x84\x9c\x31\x66\x35\x1b\xa1\xfa\x7f\xf6\x20\xa2"),
    BYTES_LIT("\x57\x48\x6a\x44\x7e\xc0\xf1\x95\x80\x02\xa2\x2a\x06\xb7\x67\x3b\x9f\xd2\x7d\x11\xe1\xc6\x52\x74"
              "\x98\x05\x60\x54\xc5\xfa\x92\xd2\x3c\x50\xf9\xde\x44\x07\x27\x60\xfe\x2b\x6f\xb8\x97\x40\xb6\x96"),
    BYTES_LIT("\x57\xe2\x29\xe0\xff\xe5\xfa\x92\xd0\xfa\xdd\xff\x6c\xae\x0e\x61\xc9\x26\xfc\x9e\xf9\xaf\xd2\x0a"
              "\x8b\x8c\xfc\xf7\x12\x9d\xb9\x33\x8c\xbe\x5b\xf3\xf6\x98\x77\x33\xa2\xbf\x65\xd0\x6d\xc3\x8f\xc1"),
    BYTES_LIT("\x93\x4f\x68\xbd\x8b\xa0\x19\x38\xee\xc2\x14\x75\xc8\x72\xe3\xa9\x42\xb6\x0c\x59\xfa\xfc\x6d\xf9"
              "\xe9\xa7\x6e\xe6\x6b\xc4\x7f\x2d\x09\xc6\x76\xf6\x1c\x03\x15\xc5\x78\xda\x26\x08\x5f\xb1\x3a\x71"),
    BYTES_LIT("\x94\x2f\xd9\x3e\xbd\xe6\xea\x7a\x96\xef\xad\xea\xfc\x60\xf1\xc6\xb3\xd1\x0e\x70\x3b\x1d\xaf\xd7"
              "\x55\x5b\x92\xf7\xf3\xd3\x2d\x0e\x00\x67\x67\x64\x8c\xba\x5b\x10\x2a\xf3\xd6\x57\x56\xaf\x41\x77"),
    BYTES_LIT("\xcd\x7c\xee\x16\x1c\xad\x41\x60\xb8\x83\xc9\x44\x0d\xb0\x92\x05\x07\xaa\xab\x03\xca\x69\x03\xfe"
              "\xd8\xbe\x46\x7c\xf9\xd2\x7b\x7a\xd0\xc6\x94\x11\xa2\xc7\x14\xea\x55\x81\xf7\xfd\xe8\x66\x96\xfc"),
};

/* The one of the documented token with the status (claims.md 5). */
static const struct bytes builtin_mrtds[] = {
    BYTES_LIT("\x5b\xe5\x6d\x41\x8d\x33\x66\x1a\x6c\x21\xda\x77\xc9\x50\x3a\x07\xe4\x30\xb3\x5e\xb9\x2a\x0b\xd0"
              "\x42\xa6\xb3\xc4\xe7\x9b\x3c\x82\xbb\x1c\x59\x4e\x77\x0d\x0d\x12\x9a\x07\x24\x66\x9f\x1e\x95\x3f"),
};

/* snp-cvm.md 3.7: of Azure's virtual firmware. Of db and dbx those of both templates, Windows and UEFI CA, of 2021. */
static const struct bytes builtin_pk[] = {
    BYTES_LIT("\x72\xd3\xaf\x9b\x2b\x57\xcf\xd0\xc1\xfc\xaf\xc2\x8b\xab\xaa\x22"
              "\x12\x42\x8c\x66\x04\xc1\xac\x0b\x62\x4f\xaf\xbf\x28\xac\x88\xe7"),
};
static const struct bytes builtin_kek[] = {
    BYTES_LIT("\x85\x99\x62\x49\x05\xe4\xfa\x11\xb3\x79\x47\x1f\x80\xf8\x70\x36"
              "\x9c\xc0\x46\xd1\xed\x45\xfe\xfe\x54\x00\x72\xa6\x78\x49\x34\xbf"),
};
static const struct bytes builtin_db[] = {
    BYTES_LIT("\x1e\xbc\x03\x3e\x5f\x6c\x5b\x6e\x9b\x73\x85\xab\x28\x52\x17\xcc"
              "\xef\x60\x83\xbc\x23\x66\x96\x62\xb1\xdf\x3b\x39\x3a\xb6\xac\x27"),
    BYTES_LIT("\x93\xb6\x2c\xe7\x9e\x08\x70\x04\x8a\x09\x07\xef\x32\x8f\x35\xd2"
              "\xf9\xd4\x01\xbc\x75\xac\x5d\xd9\xf0\xa3\x84\xef\x31\x3f\xa5\xca"),
};
static const struct bytes builtin_dbx[] = {
    BYTES_LIT("\x3e\x35\xa7\x87\x77\xaf\xed\x8c\xf4\xbf\x41\x4b\x06\x00\x5a\x8d"
              "\x08\x27\xf9\xbf\xfb\x26\x83\xf0\x9a\x1b\xdb\xba\xb2\x5a\x02\x72"),
    BYTES_LIT("\x41\xb6\x62\xdc\xa4\x0a\x59\x1c\xbd\x7b\xf3\xd4\x3e\x45\xf4\x95"
              "\x90\xf5\x6d\x19\x09\x24\x4b\x99\x25\xb7\x32\x4b\xff\x1a\xa7\x18"),
};

/* Who signs what boots Windows: Microsoft Windows Production PCA 2011, Windows UEFI CA 2023, and the root of both, Microsoft Root
 * Certificate Authority 2010, which Google's machines hold in its place. What signs the loaders of other systems is not among them. */
static const struct bytes builtin_windows[] = {
    BYTES_LIT("\x07\x6f\x1f\xea\x90\xac\x29\x15\x5e\xbf\x77\xc1\x76\x82\xf7\x5f"
              "\x1f\xdd\x1b\xe1\x96\xda\x30\x2d\xc8\x46\x1e\x35\x0a\x9a\xe3\x30"),
    BYTES_LIT("\xdf\x54\x5b\xf9\x19\xa2\x43\x9c\x36\x98\x3b\x54\xcd\xfc\x90\x3d"
              "\xfa\x4f\x37\xd3\x99\x6d\x8d\x84\xb4\xc3\x1e\xec\x6f\x3c\x16\x3e"),
    BYTES_LIT("\xe8\xe9\x5f\x07\x33\xa5\x5e\x8b\xad\x7b\xe0\xa1\x41\x3e\xe2\x3c"
              "\x51\xfc\xea\x64\xb3\xc8\xfa\x6a\x78\x69\x35\xfd\xdc\xc7\x19\x61"),
};

#define ENTRIES(v)              \
    {                           \
        v, sizeof v / sizeof *v \
    }
const struct reference_values reference_builtin = {
    .uvm_roots = builtin_roots,
    .uvm_root_count = sizeof builtin_roots / sizeof *builtin_roots,
    .lists = {[REFERENCE_AZURE_ID_KEYS] = ENTRIES(builtin_id_keys),
              [REFERENCE_AZURE_MRTDS] = ENTRIES(builtin_mrtds),
              [REFERENCE_SECURE_BOOT_PK] = ENTRIES(builtin_pk),
              [REFERENCE_SECURE_BOOT_KEK] = ENTRIES(builtin_kek),
              [REFERENCE_SECURE_BOOT_DB] = ENTRIES(builtin_db),
              [REFERENCE_SECURE_BOOT_DBX] = ENTRIES(builtin_dbx),
              [REFERENCE_WINDOWS_LOADERS] = ENTRIES(builtin_windows)},
};

/* ------------------------------------------------------------------------------------------------ looking up */

/* Where the entry is, or would be put. */
static size_t place(const struct reference_entries *e, struct bytes entry, bool *found)
{
    size_t low = 0, high = e->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(e->v[middle], entry);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool reference_has(const struct reference_values *r, enum reference_list list, struct bytes entry)
{
    bool found;

    place(&r->lists[list], entry, &found);
    return found;
}

const struct uvm_root *reference_uvm_root(const struct reference_values *r, struct bytes issuer, struct bytes feed)
{
    for (size_t i = 0; i < r->uvm_root_count; i++)
        if (bytes_equal(r->uvm_roots[i].issuer, issuer) && bytes_equal(r->uvm_roots[i].feed, feed))
            return &r->uvm_roots[i];
    return NULL;
}

size_t reference_entry_size(enum reference_list list)
{
    static const uint8_t sizes[REFERENCE_LISTS] = {
        [REFERENCE_AZURE_ID_KEYS] = ID_KEY_SIZE,          [REFERENCE_AZURE_MRTDS] = MRTD_SIZE,
        [REFERENCE_SECURE_BOOT_PK] = VARIABLE_HASH_SIZE,  [REFERENCE_SECURE_BOOT_KEK] = VARIABLE_HASH_SIZE,
        [REFERENCE_SECURE_BOOT_DB] = VARIABLE_HASH_SIZE,  [REFERENCE_SECURE_BOOT_DBX] = VARIABLE_HASH_SIZE,
        [REFERENCE_WINDOWS_LOADERS] = VARIABLE_HASH_SIZE, [REFERENCE_DENIED_CHIPS] = CHIP_ID_SIZE,
        [REFERENCE_DENIED_PLATFORMS] = PPID_SIZE,         [REFERENCE_DENIED_AIKS] = AIK_HASH_SIZE};

    return sizes[list];
}

/* ------------------------------------------------------------------------------------------------ building */

void reference_clear(struct reference_values *r, enum reference_list list)
{
    r->lists[list] = (struct reference_entries){0};
}

void reference_clear_uvm_roots(struct reference_values *r)
{
    r->uvm_roots = NULL;
    r->uvm_root_count = 0;
}

bool reference_add(struct arena *a, struct reference_values *r, enum reference_list list, struct bytes entry)
{
    struct reference_entries *e = &r->lists[list], now = *e;
    bool found;

    if (now.v == reference_builtin.lists[list].v)
        now = (struct reference_entries){0};
    size_t at = place(&now, entry, &found);
    if (found || entry.n != reference_entry_size(list) || now.count == LIMIT_REFERENCE_ENTRIES)
        return false;
    /* A new array at each power of two; between them the old one has room, and nobody else reads it. */
    struct bytes *v = (struct bytes *)(uintptr_t)now.v;
    if ((now.count & (now.count - 1)) == 0) {
        v = ARENA_ARRAY(a, struct bytes, now.count ? now.count * 2 : 1);
        if (now.count)
            memcpy(v, now.v, now.count * sizeof *v);
    }
    memmove(v + at + 1, v + at, (now.count - at) * sizeof *v);
    v[at] = arena_copy(a, entry);
    *e = (struct reference_entries){v, now.count + 1};
    return true;
}

bool reference_add_uvm_root(struct arena *a, struct reference_values *r, const struct uvm_root *root)
{
    size_t count = r->uvm_roots == reference_builtin.uvm_roots ? 0 : r->uvm_root_count;

    if (!root->issuer.n || !root->feed.n || root->issuer.n > LIMIT_UVM_TEXT || root->feed.n > LIMIT_UVM_TEXT ||
        count == LIMIT_UVM_ROOTS || (count && reference_uvm_root(r, root->issuer, root->feed)))
        return false;
    struct uvm_root *v = ARENA_ARRAY(a, struct uvm_root, count + 1);
    if (count)
        memcpy(v, r->uvm_roots, count * sizeof *v);
    v[count] = (struct uvm_root){arena_copy(a, root->issuer), arena_copy(a, root->feed), root->minimum_svn};
    r->uvm_roots = v;
    r->uvm_root_count = count + 1;
    return true;
}
