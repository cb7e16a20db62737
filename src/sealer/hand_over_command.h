/* `assayd hand-over`, in the program that may see the root key. */
#ifndef ASSAY_SEALER_HAND_OVER_COMMAND_H
#define ASSAY_SEALER_HAND_OVER_COMMAND_H

#include "core/root_key.h"

/* verb: "offer", "grant" or "accept"; arguments: KEYFILE WAY PATH SETTING=VALUE…, where WAY is a number of enum agent_way. Messages
 * are on standard input and output; endorsements come as frames on descriptor 3. What the configuration adds to the roots that are
 * trusted, or relaxes, does not count here: it is the host's, and the root key is not for the host to give away. */
bool hand_over_command(const char *verb, char **arguments, struct arena *a, struct fault *fault);

#endif
