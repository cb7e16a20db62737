/* Decoding one object into a row of a catalogue; for this floor alone. */
#ifndef ASSAY_COLLATERAL_RECOGNISE_H
#define ASSAY_COLLATERAL_RECOGNISE_H

#include "collateral/catalogue.h"

/* Fills all of *out but its name, digest and verdict. The content is copied into the arena. */
bool recognise(struct arena *a, struct bytes content, struct collateral *out, struct fault *fault);
/* The file name that its content makes: the same for all objects that take each other's place. */
const char *recognise_name(struct arena *a, const struct collateral *o);
/* Named as a signer of TCB infos and identities? */
bool recognise_tcb_signer(const struct certificate *c);

#endif
