/* Between the parts of serve.h. */
#ifndef ASSAY_COLLATERAL_SERVING_H
#define ASSAY_COLLATERAL_SERVING_H

#include "collateral/serve.h"

struct served {
    struct arena arena;
    struct catalogue catalogue;
    uint32_t baseline;
    uint8_t (*signer)[SHA256_SIZE]; /* of each object that is a document: the key that signed it */
};

/* One request while it is answered. */
struct serving {
    const struct served *s;
    struct arena *arena;
    const struct serve_request *r;
    struct serve_answer *out;
};

/* The first value of a query parameter; NULL: there is none. */
const char *serving_query(const struct serving *v, const char *name);
void serving_error(struct serving *v, int status, const char *text);
void serving_no_data(struct serving *v);                 /* 404 */
void serving_wrong(struct serving *v, const char *what); /* 400 */
void serving_header(struct serving *v, const char *name, const char *value);
void serving_body(struct serving *v, const char *type, struct bytes body);
/* How long others may keep the object. */
void serving_age(struct serving *v, const struct collateral *o);
/* PEM of certificates as it stands in a header. */
const char *serving_escaped(struct arena *a, struct bytes pem);
/* Is a rather the certificate to hand out than b? In date first, then what lasts longest. */
bool serving_lasts_longer(const struct certificate *a, const struct certificate *b, int64_t time);
/* A certificate and the root that issued it, in PEM; empty when that root is not at hand. */
struct bytes serving_chain(const struct serving *v, const struct certificate *subject);
/* An object that may be given out: genuine, of this kind. */
bool serving_has(const struct collateral *o, enum collateral_kind kind);

/* rest: the path behind what was recognised. */
void serve_intel(struct serving *v, bool tdx, unsigned version, struct bytes rest);
void serve_kds(struct serving *v, bool vlek, struct bytes rest);    /* "Milan/…" */
void serve_thim_certificates(struct serving *v, struct bytes rest); /* "chip/tcb" */
void serve_thim_certification(struct serving *v);
/* The next part of a path, up to a slash. */
struct bytes serving_part(struct bytes *rest);

#endif
