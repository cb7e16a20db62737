#include "core/message_reference.h"

void wr_reference(struct writer *w, const struct reference_values *r)
{
    wr_u32le(w, (uint32_t)r->uvm_root_count);
    for (size_t i = 0; i < r->uvm_root_count; i++) {
        wr_field(w, r->uvm_roots[i].issuer);
        wr_field(w, r->uvm_roots[i].feed);
        wr_u64le(w, r->uvm_roots[i].minimum_svn);
    }
    for (size_t list = 0; list < REFERENCE_LISTS; list++) {
        wr_u32le(w, (uint32_t)r->lists[list].count);
        for (size_t i = 0; i < r->lists[list].count; i++)
            wr_put(w, r->lists[list].v[i]);
    }
    for (size_t i = 0; i < SNP_PRODUCT_COUNT; i++) {
        const struct snp_tcb *tcb = &r->minimum_tcb[i];

        wr_put(w, BYTES_OF(((uint8_t[]){tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode, tcb->fmc})));
    }
}

static void rd_roots(struct reader *r, struct arena *a, struct reference_values *out)
{
    uint32_t count = rd_u32le(r);

    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct uvm_root root;

        root.issuer = rd_field(r);
        root.feed = rd_field(r);
        root.minimum_svn = rd_u64le(r);
        r->failed = r->failed || !reference_add_uvm_root(a, out, &root);
    }
}

static void rd_list(struct reader *r, struct arena *a, struct reference_values *out, enum reference_list list)
{
    uint32_t count = rd_u32le(r);

    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct bytes entry = rd_take(r, reference_entry_size(list));
        const struct reference_entries *e = &out->lists[list];
        bool ascends = e->count == 0 || bytes_compare(e->v[e->count - 1], entry) < 0;

        r->failed = r->failed || !ascends || !reference_add(a, out, list, entry);
    }
}

const struct reference_values *rd_reference(struct reader *r, struct arena *a)
{
    struct reference_values *out = ARENA_NEW(a, struct reference_values);

    rd_roots(r, a, out);
    for (int list = 0; list < REFERENCE_LISTS; list++)
        rd_list(r, a, out, (enum reference_list)list);
    for (size_t i = 0; i < SNP_PRODUCT_COUNT; i++) {
        struct snp_tcb *tcb = &out->minimum_tcb[i];

        tcb->bootloader = rd_u8(r);
        tcb->tee = rd_u8(r);
        tcb->snp = rd_u8(r);
        tcb->microcode = rd_u8(r);
        tcb->fmc = rd_u8(r);
    }
    return out;
}
